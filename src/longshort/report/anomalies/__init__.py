"""The report of anomaly detectors."""
