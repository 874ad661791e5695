"""From bytes to batches: what is read, how it is cut, and how it becomes numbers. No network."""
