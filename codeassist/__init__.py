"""The core of codeassist: from a cursor to a completion, on this machine."""

import logging

__version__ = "0.1.0"

# Without a handler Python prints warnings on stderr, where the command line has notices of its own.
logging.getLogger("codeassist").addHandler(logging.NullHandler())
