"""What estimators of labels share."""
