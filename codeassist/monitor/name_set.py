"""The names that may stand at a place, and the tokens that write them.

Names and what stands of one already go in, masks come out.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from math import inf

import numpy as np

from codeassist.monitor.monitor import Mask
from codeassist.request import AllowedNames, Strength
from codeassist.tokenization.byte_trie import NAME_START, NOT_AFTER_NAME, ByteTrie, Ids

LIKELY_NATS = 3.0
"""What names that are only likely take from others, once a name."""

_TokensKey = tuple[int, bytes, bytes]  # the trie's root, what comes before the name, what stands of it
_SHOWN = 8
_GOES_ON = re.compile(rb"[A-Za-z0-9_$\x80-\xff]*")
BEGINS_POSITIONAL = NAME_START | frozenset(b"0123456789\"'([{-+~.")
"""Bytes that begin an argument, none of which a star begins."""


@dataclass(frozen=True, slots=True)
class NameSet:
    """All names that may stand at a place, as bytes, sorted; `room` and `strength` as in AllowedNames.

    Remembers tokens' ids.
    """

    names: tuple[bytes, ...]
    source: str
    room: int | None = None
    strength: Strength = "sure"
    _tokens: dict[_TokensKey, Ids] = field(default_factory=dict["_TokensKey", Ids], compare=False)

    @staticmethod
    def of(allowed: AllowedNames, after: str) -> NameSet:
        """`after` is the part of a name that stands after the cursor: names that end in it may go without it."""
        names = {name.encode("utf-8", "surrogatepass") for name in allowed.names if name}
        if after:
            end = after.encode("utf-8", "surrogatepass")
            names |= {name.removesuffix(end) for name in names}
        return NameSet(tuple(sorted(names)), allowed.source, allowed.room, allowed.strength)

    @property
    def cost(self) -> float:
        """What it costs a token, in nats, to write something else: everything, where that surely is no name."""
        return inf if self.strength == "sure" else LIKELY_NATS

    def has(self, name: bytes) -> bool:
        """Whether this is one of the names."""
        at = bisect_left(self.names, name)
        return at < len(self.names) and self.names[at] == name

    def has_beginning(self, beginning: bytes) -> bool:
        """Whether one of the names is this or begins with it."""
        at = bisect_left(self.names, beginning)
        return at < len(self.names) and self.names[at].startswith(beginning)

    def is_written_by(self, beginning: bytes, data: bytes, end: int) -> bool:
        """Whether a token, the first `end` bytes of which belong to the name, goes on with one of the names or ends
        it."""
        if end == len(data) and data:
            return self.has_beginning(beginning + data)
        return self.has(beginning + data[:end]) and (not data or data[end] not in NOT_AFTER_NAME)

    def rests(self, beginning: bytes) -> list[bytes]:
        """What is left to write of the names that begin so, sorted."""
        found: list[bytes] = []
        for name in self.names[bisect_left(self.names, beginning) :]:
            if not name.startswith(beginning):
                break
            found.append(name[len(beginning) :])
        return found

    def tokens(self, trie: ByteTrie, lead: bytes, beginning: bytes) -> Ids:
        """The tokens that write `lead` and then go on with a name of which `beginning` stands already, or end it."""
        key = (trie.root, lead, beginning)
        if key not in self._tokens:
            self._tokens[key] = trie.tokens_towards(lead, self.rests(beginning))
        return self._tokens[key]

    def some(self, beginning: bytes) -> tuple[str, ...]:
        """A few of the names that begin so, to show; those that begin with an underscore are the last ones."""
        names = [(beginning + rest).decode("utf-8", "replace") for rest in self.rests(beginning)]
        return tuple(sorted(names, key=lambda name: (name.startswith("_"), name))[:_SHOWN])


def end_of_name(data: bytes) -> int:
    """How many of a token's first bytes go on with a name."""
    found = _GOES_ON.match(data)
    return 0 if found is None else found.end()


def mask_within(trie: ByteTrie, names: NameSet, beginning: bytes) -> Mask:
    """What may come next where a name must be written, of which `beginning` stands already."""
    allowed = trie.after_name.copy() if names.has(beginning) else np.zeros(trie.size, dtype=bool)
    allowed[names.tokens(trie, b"", beginning)] = True
    return Mask(allowed)


def mask_after(trie: ByteTrie, names: NameSet, lead: bytes) -> Mask:
    """What may come next where a name after `lead` must be one of these, and anything else may come instead."""
    allowed = np.ones(trie.size, dtype=bool)
    trie.flag_below(allowed, lead, NAME_START, False)
    allowed[names.tokens(trie, lead, b"")] = True
    return Mask(allowed)


def mask_without_equals(trie: ByteTrie) -> Mask:
    """What may come next after a name that is no keyword's: all but `=`."""
    return Mask(~trie.equals)


def mask_of_full_call(trie: ByteTrie, names: NameSet, lead: bytes) -> Mask:
    """What may come next where, after `lead`, an argument may begin only with one of the names."""
    allowed = np.ones(trie.size, dtype=bool)
    trie.flag_below(allowed, lead, BEGINS_POSITIONAL, False)
    allowed[names.tokens(trie, lead, b"")] = True
    return Mask(allowed)


def mask_without_byte(trie: ByteTrie, lead: bytes, byte: bytes) -> Mask:
    """All tokens but those that go on with `byte` after `lead`."""
    allowed = np.ones(trie.size, dtype=bool)
    trie.flag_below(allowed, lead, frozenset(byte), False)
    return Mask(allowed)


def mask_without(trie: ByteTrie, token: int) -> Mask:
    """All tokens but one."""
    allowed = np.ones(trie.size, dtype=bool)
    allowed[token] = False
    return Mask(allowed)
