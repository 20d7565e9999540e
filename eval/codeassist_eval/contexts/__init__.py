"""What other files put into a prompt, for each method that is compared."""
