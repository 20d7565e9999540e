"""What every test relies on."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import settings

# Everything there starts processes of ours or editors; elsewhere a slow test is marked where it stands.
SLOW = tuple(Path(__file__).parent / folder for folder in ("editors", "end_to_end", "lsp/serving", "security", "tools"))

# No test asserts a time, neither does a library for it.
settings.register_profile("codeassist", deadline=None, print_blob=True)
settings.load_profile("codeassist")

# A shell that starts a program in the background lets it ignore Ctrl-C, and so do that program's children: the tests
# that press Ctrl-C would wait for ever. With a handler here, children start with the default again.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(item.path.is_relative_to(folder) for folder in SLOW):
            item.add_marker(pytest.mark.slow)
