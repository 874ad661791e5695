"""What a translator is made of."""
