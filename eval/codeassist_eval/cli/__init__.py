"""`codeassist eval …` and `codeassist bench …`: one module a command."""
