"""What makes a score look better than it is, found in data, splits, predictions and models."""
