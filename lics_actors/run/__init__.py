"""Runs: the actor that carries out what the engine of experiments decides, and what is said to it."""
