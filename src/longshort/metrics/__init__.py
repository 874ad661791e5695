"""Scores: arrays in, numbers out, each with its equation, its unit and the direction that is good."""
