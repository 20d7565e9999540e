"""`codeassist eval …`."""
