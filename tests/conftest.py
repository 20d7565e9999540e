"""What every test relies on."""

from __future__ import annotations

import signal

# A shell that starts a program in the background lets it ignore Ctrl-C, and so do that program's children: the tests
# that press Ctrl-C would wait for ever. With a handler here, children start with the default again.
signal.signal(signal.SIGINT, signal.default_int_handler)
