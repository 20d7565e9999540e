"""What commands share at the terminal: options, places, printing."""
