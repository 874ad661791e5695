"""Yardsticks for anomalies."""
