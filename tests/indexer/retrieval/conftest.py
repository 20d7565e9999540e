"""What a request's imports are asked of runs before the first request: its start would count against a deadline."""

from __future__ import annotations

import pytest

from codeassist_indexer.open_document.reader import READER


@pytest.fixture(scope="session", autouse=True)
def reader() -> None:
    """Start the process that reads open documents."""
    READER.warm()
