"""The benchmark of labelled sequences: a file for each set, its networks, its page."""
