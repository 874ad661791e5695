"""What a detector is made of: surprise, scores, thresholds and alarms."""
