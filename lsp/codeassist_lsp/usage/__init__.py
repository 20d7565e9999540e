"""What became of suggestions, counted on this machine, and logs."""
