"""What other code of the repository says of a class, a module or a value, found by name in the index.

Attributes that are given from outside (`Session.send = patched`, `setattr(Action, "name", …)`), which no definition
names; and functions that tell types apart.
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

_GUARD = re.compile(r"\bdef\s+(\w+)(?:(?!\bdef\b)[\s\S]){0,600}?->\s*[\"']?(?:\w+\.)*Type(?:Guard|Is)\b")


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
    _guards: frozenset[str] | None = None

    def of(self, name: str) -> Patch:
        """What the class or module of this name is given."""
        self._forget_changed()
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = patch_in(self._texts_with(name), name)
        return found

    def is_type_guard(self, name: str) -> bool:
        """Whether a function of this name says by what it returns that its argument is of some type (PEP 647, 742)."""
        self._forget_changed()
        if self._guards is None:
            texts = (text for returned in ("TypeGuard", "TypeIs") for text in self._texts_with(returned))
            self._guards = frozenset(name for text in texts for name in _GUARD.findall(text))
        return name in self._guards

    def _texts_with(self, name: str) -> Sequence[str]:
        tokens = identifier_tokens(name)
        return chunk_texts_with(self.store, tokens[0], "python", MOST_CHUNKS) if tokens else ()

    def _forget_changed(self) -> None:
        state = state_of_others(self.store, "")
        if state != self._state:
            self._state, self._known, self._guards = state, {}, None
