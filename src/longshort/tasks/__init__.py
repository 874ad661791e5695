"""Rows of one table: every application is an estimator, a constructor and a few choices each."""
