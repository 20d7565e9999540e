"""Whether a text of TypeScript tests what a receiver is: it may then have members that its declaration does not name.

The language narrows a declared type by operators, and by functions and methods that return a type predicate
(`node is Element`, `this is Leaf`, `asserts x`), whatever they are called; those of libraries are known by their names.
"""

from __future__ import annotations

import re

from codeassist_indexer.analysis.declared.declared_project import DeclaredProject
from codeassist_indexer.analysis.text.receivers import receivers_in

_LOOP = re.compile(r"\b(?:const|let|var)\s+[\w$]+\s+in\b")
_TESTS = (
    r"\b(?:is|has|assert)[A-Z]\w*(?:<[^<>()]*>)?\(\s*RECEIVER\s*[,)]",
    r"\b(?:instanceOf|instanceof)\(\s*RECEIVER\s*,",
    r"(?<![\w.])RECEIVER\s+instanceof\b",
    r"\bin\s+RECEIVER\b",
    r"\btypeof\s+RECEIVER\b",
)
# The names of functions that it is handed to, and of its own methods.
_CALLS = (
    r"([\w$]+)(?:<[^<>()]*>)?\((?:[^()]|\([^()]*\)){0,200}?(?<![\w$.])RECEIVER\s*[,)]",
    r"(?<![\w$.])RECEIVER\s*[?!]?\.\s*([\w$]+)\s*\(",
)


def is_narrowed(project: DeclaredProject, receiver: str, scope: str) -> bool:
    """Say whether `scope` tests a receiver, or what it is reached through."""
    code = _LOOP.sub("", scope)
    called: set[str] = set()
    for each in map(re.escape, receivers_in(receiver)):
        if any(re.search(test.replace("RECEIVER", each), code) for test in _TESTS):
            return True
        for call in _CALLS:
            called.update(re.findall(call.replace("RECEIVER", each), code))
    return project.has_type_guard(called)
