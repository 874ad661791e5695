"""Fitted estimators that read on and on, a row at a time."""
