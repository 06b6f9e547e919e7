"""What outlives a scheduler."""
