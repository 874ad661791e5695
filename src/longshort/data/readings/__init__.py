"""What a network reads of texts, sentences and recordings."""
