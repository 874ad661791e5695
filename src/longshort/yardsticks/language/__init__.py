"""What language models are judged against."""
