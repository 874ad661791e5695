"""Scores: arrays in, numbers out, each with its equation, its unit and its good direction."""
