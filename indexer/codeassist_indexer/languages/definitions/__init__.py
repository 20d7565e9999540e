"""The table of definitions of each language: which nodes define something, and as what.

Knows nothing about nesting, spans or documentation; symbols.py reads these tables.
"""

from __future__ import annotations

from codeassist_indexer.languages.definitions import cfamily, csharp, go, java, javascript, python, rust
from codeassist_indexer.languages.definitions.form import Form, Named

__all__ = ["COMMENTS", "FORMS", "Form", "Named"]

FORMS: dict[str, tuple[Form, ...]] = {
    "python": python.FORMS,
    "java": java.FORMS,
    "typescript": javascript.TYPESCRIPT,
    "tsx": javascript.TYPESCRIPT,
    "javascript": javascript.JAVASCRIPT,
    "csharp": csharp.FORMS,
    "go": go.FORMS,
    "rust": rust.FORMS,
    "c": cfamily.C,
    "cpp": cfamily.CPP,
}

COMMENTS: dict[str, tuple[str, ...]] = {
    "python": python.COMMENTS,
    "java": java.COMMENTS,
    "typescript": javascript.COMMENTS,
    "tsx": javascript.COMMENTS,
    "javascript": javascript.COMMENTS,
    "csharp": csharp.COMMENTS,
    "go": go.COMMENTS,
    "rust": rust.COMMENTS,
    "c": cfamily.COMMENTS,
    "cpp": cfamily.COMMENTS,
}
"""The node types that are comments."""
