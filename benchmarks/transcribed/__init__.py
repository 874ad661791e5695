"""Sets of sound, pen strokes and line images, and what was measured on them."""
