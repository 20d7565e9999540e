"""What must leave neither the machine nor enter an index: files of credentials, and secrets inside other files.

Knows no index, no repository and no server: names and texts in, verdicts and redacted texts out.
"""
