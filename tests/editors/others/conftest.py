"""Real editors need packages of the system: these tests run by `make test-editors-more`, which sees to that."""

from __future__ import annotations

import os

from tests.end_to_end.conftest import program, tiny_model

__all__ = ["program", "tiny_model"]

if "CODEASSIST_TEST_EDITORS" not in os.environ:
    collect_ignore_glob = ["test_*.py"]
