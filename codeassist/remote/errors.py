"""What can go wrong with a completions server.

The message says what happened, where, and what to do.
"""

from codeassist.errors import ModelError


class RemoteError(ModelError):
    """A server that cannot be reached, or that answers what cannot be read, however often it is asked."""


class RefusedError(RemoteError):
    """A server that understood and said no: asking the same again would not help."""
