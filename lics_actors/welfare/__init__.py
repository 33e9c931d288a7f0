"""What animals are given: who may have how much, and how much they had."""
