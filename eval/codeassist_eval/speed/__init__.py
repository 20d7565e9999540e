"""What `codeassist bench` measures."""
