"""What turns recordings into transcripts."""
