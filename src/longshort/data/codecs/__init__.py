"""Invertible codecs between the data and what a network reads, fitted on training rows only."""
