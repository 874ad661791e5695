"""The forecasting benchmark: its data, its networks, its records and its page."""
