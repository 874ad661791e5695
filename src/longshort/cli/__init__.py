"""The command line: the only place that prints."""

from longshort.cli.app import main

__all__ = ["main"]
