"""What a language model does with text beside learning it."""
