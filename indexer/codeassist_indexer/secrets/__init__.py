"""What must leave neither the machine nor enter an index: files of credentials, and secrets inside other files.

Names and texts in, verdicts and redacted texts out.
"""
