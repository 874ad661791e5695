"""Yardsticks for translations, summaries and captions."""
