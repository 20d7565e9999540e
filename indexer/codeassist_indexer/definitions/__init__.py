"""The table of definitions of each language: which nodes define something, and as what.

Knows nothing about nesting, spans or documentation; symbols.py reads these tables.
"""

from __future__ import annotations

from codeassist_indexer.definitions import python
from codeassist_indexer.definitions.form import Form, Named

__all__ = ["COMMENTS", "FORMS", "Form", "Named"]

FORMS: dict[str, tuple[Form, ...]] = {"python": python.FORMS}
COMMENTS: dict[str, tuple[str, ...]] = {"python": python.COMMENTS}
"""The node types that are comments."""
