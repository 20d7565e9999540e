"""What the commands of every package share at the terminal: options, printing, errors."""
