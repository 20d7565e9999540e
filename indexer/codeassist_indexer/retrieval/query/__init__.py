"""What is looked for, how much of it fits, and until when."""
