"""Real data by name: where they come from, what they are, and under which licence."""
