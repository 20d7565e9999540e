"""What a client may ask for, by protocol method."""
