"""`codeassist eval …`: one module a command."""
