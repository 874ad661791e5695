"""Records of labelled sequences drawn: a table, charts, one offline page."""
