"""What of other files goes into a prompt."""
