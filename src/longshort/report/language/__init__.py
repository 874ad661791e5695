"""The report of language models."""
