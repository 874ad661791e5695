"""Reports of translations, summaries and captions."""
