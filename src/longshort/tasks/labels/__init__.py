"""What estimators for labelled sequences share."""
