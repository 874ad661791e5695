"""One reader for each family of formats; every error names file and line."""
