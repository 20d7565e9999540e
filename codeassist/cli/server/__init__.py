"""Commands that run a language server or speak with one that runs."""
