"""What each task is judged against: simple rules and classical methods on the same examples."""
