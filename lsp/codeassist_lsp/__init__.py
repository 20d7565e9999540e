"""The language server's place. Nothing is here yet: the command line is the only client of the core so far."""
