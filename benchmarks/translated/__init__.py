"""The sets of the benchmark of translations, a file for each."""
