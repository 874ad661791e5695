"""A fitted model on data it has not seen, beside its yardsticks: scores, intervals, a sentence."""
