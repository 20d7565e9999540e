"""Attributes that code of the repository gives a class or a module from outside.

`Session.send = patched`, `setattr(Action, "name", …)`: no definition names them. They are looked for where the index
has the name of the class.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from codeassist_indexer.storage.analysis_reader import chunk_texts_with, state_of_others
from codeassist_indexer.storage.lexical import identifier_tokens
from codeassist_indexer.storage.store import Store

MOST_CHUNKS = 2_000
"""Of chunks that hold a class's name, so many are read: 20 ms."""


@dataclass(frozen=True, slots=True)
class Patch:
    """The names that a class or module is given. `is_open`: and others, by `setattr` with a computed name."""

    names: frozenset[str] = frozenset()
    is_open: bool = False


def patch_in(texts: Sequence[str], name: str) -> Patch:
    """What Python texts give the class or module of this name, wherever it was imported from."""
    target = rf"(?:[^\W\d]\w*\.)*{re.escape(name)}"
    assigned = re.compile(rf"^[ \t]*{target}\.([^\W\d]\w*)[ \t]*(?::[^=\n]+)?=(?!=)", re.MULTILINE)
    called = re.compile(rf"\bsetattr\(\s*{target}\s*,\s*(?:[\"'](\w+)[\"']\s*,)?")
    names: set[str] = set()
    is_open = False
    for text in texts:
        names.update(assigned.findall(text))
        literals = called.findall(text)
        names.update(literals)
        is_open = is_open or "" in literals
    return Patch(frozenset(names - {""}), is_open)


@dataclass(slots=True)
class Patches:
    """Those of one repository, as its index has them. Kept by name until the index changes."""

    store: Store
    _state: str = ""
    _known: dict[str, Patch] = field(default_factory=dict[str, Patch])

    def of(self, name: str) -> Patch:
        """What the class or module of this name is given."""
        state = state_of_others(self.store, "")
        if state != self._state:
            self._state, self._known = state, {}
        found = self._known.get(name)
        if found is None:
            tokens = identifier_tokens(name)
            texts = chunk_texts_with(self.store, tokens[0], "python", MOST_CHUNKS) if tokens else ()
            found = self._known[name] = patch_in(texts, name)
        return found
