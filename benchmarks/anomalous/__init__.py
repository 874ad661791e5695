"""The benchmark of detectors, file by file."""
