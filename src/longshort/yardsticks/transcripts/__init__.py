"""What transcribers are judged against."""
