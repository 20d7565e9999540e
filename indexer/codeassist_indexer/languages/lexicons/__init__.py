"""The lexicons of languages, and which file has which."""
