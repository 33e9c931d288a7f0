"""Schema migrations, made and applied by aerich."""
