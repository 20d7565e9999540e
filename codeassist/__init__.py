"""The core of codeassist: from a cursor to a completion, on this machine."""

__version__ = "0.1.0"
