"""The live bus: what just happened, from those who know it to the web workers that show it, through Redis."""
