"""`codeassist bench …`: one module a command."""
