"""Rules and classical methods that label what the LSTM labels."""
