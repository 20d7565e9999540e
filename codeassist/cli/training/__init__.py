"""Commands that train what chooses a prompt's context."""
