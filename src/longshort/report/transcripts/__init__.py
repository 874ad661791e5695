"""Reports of transcripts."""
