"""How the items of a corpus become numbers."""
