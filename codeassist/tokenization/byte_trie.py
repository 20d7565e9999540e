"""A byte trie over a vocabulary: from what may be written next to the tokens that write it.

Built once for a tokenizer and kept in a file; finding tokens takes as long as the names and their tokens are many,
however large the vocabulary is.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors import numpy as safetensors_numpy

if TYPE_CHECKING:
    from codeassist.tokenization.tokens import Tokenizer

log = logging.getLogger(__name__)
_numpy_files: Any = safetensors_numpy  # its types are partly unknown to the checker

Ids = NDArray[np.int32]
Flags = NDArray[np.bool_]

# Part of the file's name: raise it when the arrays change their meaning.
_FORMAT = "1"
_ROOT = 0

# Bytes that begin and continue a name in any of the languages; those of characters outside of ASCII count as letters.
NAME_START = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_$") | frozenset(range(0x80, 0x100))
NAME_GOES_ON = NAME_START | frozenset(b"0123456789")
# No language has a quote right after a name of the kinds that are monitored.
NOT_AFTER_NAME = NAME_GOES_ON | frozenset(b"\"'")


@dataclass(frozen=True, slots=True, eq=False)
class TrieArrays:
    """The trie as it is kept. Nodes are numbered level by level, so that a node's children follow each other.

    `labels[n]`: the byte that leads to node n (N uint8). Its children are first_child[n] to first_child[n + 1] (N + 1
    int32). `ids` (T int32): all tokens in the order of their bytes; those below node n are ids[low[n]:high[n]], of
    which the first up to ends[n] end at n itself (N int32 each).
    """

    labels: NDArray[np.uint8]
    first_child: Ids
    low: Ids
    high: Ids
    ends: Ids
    ids: Ids
    size: int


def build_arrays(tokens: Iterable[tuple[int, bytes]], size: int) -> TrieArrays:
    """Build the trie of (token id, bytes); tokens without bytes are left out. `size`: one more than the largest id."""
    found = sorted((data, token_id) for token_id, data in tokens if data)
    ids = np.array([token_id for _, token_id in found], dtype=np.int32)
    lengths = np.array([len(data) for data, _ in found], dtype=np.int64)
    blob = np.frombuffer(b"".join(data for data, _ in found), dtype=np.uint8)
    offsets = np.concatenate([[0], np.cumsum(lengths)[:-1]]) if len(found) else np.zeros(0, dtype=np.int64)
    node_of = np.zeros(len(found), dtype=np.int64)  # of each token: the node of its first `depth` bytes
    labels, parents = [np.zeros(1, np.uint8)], [np.zeros(0, np.int64)]
    low, high, ends = [np.zeros(1, np.int64)], [np.array([len(found)])], [np.zeros(1, np.int64)]
    num_nodes = 1
    for depth in range(int(lengths.max(initial=0))):
        reaching = np.flatnonzero(lengths > depth)
        byte, parent = blob[offsets[reaching] + depth], node_of[reaching]
        is_new = np.ones(len(reaching), dtype=bool)
        is_new[1:] = (parent[1:] != parent[:-1]) | (byte[1:] != byte[:-1])
        node_of[reaching] = num_nodes - 1 + np.cumsum(is_new)
        starts = np.flatnonzero(is_new)
        stops = np.append(starts[1:], len(reaching))
        labels.append(byte[starts])
        parents.append(parent[starts])
        low.append(reaching[starts])
        high.append(reaching[stops - 1] + 1)
        is_end = lengths[reaching] == depth + 1
        ends.append(reaching[starts] + np.add.reduceat(is_end, starts, dtype=np.int64))
        num_nodes += len(starts)
    first_child = 1 + np.searchsorted(np.concatenate(parents), np.arange(num_nodes + 1))
    return TrieArrays(
        np.concatenate(labels),
        first_child.astype(np.int32),
        *(np.concatenate(each).astype(np.int32) for each in (low, high, ends)),
        ids=ids,
        size=size,
    )


@dataclass(slots=True, eq=False)
class ByteTrie:
    """Finds the tokens that begin, write or end what may come next. Immutable but for what it has worked out once.

    What may come next is looked for below the node `root`, behind the bytes that lead there. Steps are taken in plain
    Python over buffers: names have a dozen bytes, for which an array operation a step takes five times as long (2
    cores, 2026-11-21).
    """

    arrays: TrieArrays
    root: int = field(init=False, default=_ROOT)
    size: int = field(init=False)
    _labels: bytes = field(init=False)
    _first_child: memoryview = field(init=False)
    _low: memoryview = field(init=False)
    _high: memoryview = field(init=False)
    _ends: memoryview = field(init=False)
    _after_name: Flags = field(init=False)
    _equals: Flags | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        arrays = self.arrays
        self.size = arrays.size
        self._labels = arrays.labels.tobytes()
        self._first_child, self._low = arrays.first_child.data, arrays.low.data
        self._high, self._ends = arrays.high.data, arrays.ends.data
        self._after_name = np.ones(arrays.size, dtype=bool)
        self.flag_below(self._after_name, b"", NOT_AFTER_NAME, False)

    @staticmethod
    def of(tokenizer: Tokenizer) -> ByteTrie:
        """Build the trie of a tokenizer (0.7 s for 150,000 tokens)."""
        tokens = ((token_id, tokenizer.token_bytes(token_id)) for token_id in range(tokenizer.vocab_size))
        return ByteTrie(build_arrays(tokens, tokenizer.vocab_size))

    @property
    def after_name(self) -> Flags:
        """Which tokens can stand after a whole name: those that do not go on with it, special ones among them."""
        return self._after_name

    @property
    def equals(self) -> Flags:
        """Which tokens begin with an equals sign that stands alone, with or without spaces before it."""
        if self._equals is None:
            flags = np.zeros(self.size, dtype=bool)
            for lead in (b"", b" ", b"  ", b"\t"):
                node = self.find(lead + b"=")
                if node is not None:
                    flags[self._below(node)] = True
                    self.flag_below(flags, lead + b"=", frozenset(b"=>"), False)
            self._equals = flags
        return self._equals

    def behind(self, data: bytes) -> ByteTrie:
        """The trie of what tokens write behind `data`. One that writes nothing more is in none of its answers."""
        node = self.find(data)
        assert node is not None, "no token begins so"
        trie = copy(self)
        trie.root, trie._equals = node, None
        trie._after_name = np.zeros(self.size, dtype=bool)
        trie._after_name[self.beyond(data)] = True
        trie.flag_below(trie._after_name, b"", NOT_AFTER_NAME, False)
        return trie

    def beyond(self, data: bytes) -> Ids:
        """The tokens that write `data` and more."""
        node = self.find(data)
        return np.zeros(0, dtype=np.int32) if node is None else self.arrays.ids[self._ends[node] : self._high[node]]

    def beginnings_of(self, data: bytes) -> list[tuple[int, Ids]]:
        """The tokens that write a beginning of `data` or all of it: (number of bytes, tokens), shortest first."""
        found: list[tuple[int, Ids]] = []
        node: int | None = self.root
        for num_bytes, byte in enumerate(data, 1):
            node = self.find(bytes((byte,)), node)
            if node is None:
                break
            if self._ends[node] > self._low[node]:
                found.append((num_bytes, self.arrays.ids[self._low[node] : self._ends[node]]))
        return found

    def cut(self, data: bytes) -> list[int]:
        """Tokens that write `data`, each the longest that fits; empty where none does."""
        tokens: list[int] = []
        while data:
            fitting = self.beginnings_of(data)
            if not fitting:
                return []
            num_bytes, ids = fitting[-1]
            tokens.append(int(ids[0]))
            data = data[num_bytes:]
        return tokens

    def find(self, data: bytes, node: int | None = None) -> int | None:
        """The node that these bytes lead to from `node` (default: the root), or None."""
        node = self.root if node is None else node
        for byte in data:
            child = self._labels.find(byte, self._first_child[node], self._first_child[node + 1])
            if child < 0:
                return None
            node = child
        return node

    def flag_below(self, flags: Flags, lead: bytes, first: frozenset[int], value: bool) -> None:
        """Set the flags of all tokens that write `lead` and then one of the bytes in `first`. Mutates `flags`."""
        node = self.find(lead)
        if node is None:
            return
        for child in range(self._first_child[node], self._first_child[node + 1]):
            if self._labels[child] in first:
                flags[self._below(child)] = value

    def tokens_towards(self, lead: bytes, rests: Sequence[bytes]) -> Ids:
        """The tokens that write `lead` and then a beginning of one of `rests` (sorted), or all of it and what can
        stand after a name. Of an empty rest, only what stands after it within one token with a lead."""
        top = self.find(lead)
        if top is None:
            return np.zeros(0, dtype=np.int32)
        found: list[Ids] = []
        path, former = [top], b""
        for rest in rests:
            shared = _num_shared(former, rest)
            del path[shared + 1 :]
            while len(path) <= len(rest):
                byte = rest[len(path) - 1]
                child = self._labels.find(byte, self._first_child[path[-1]], self._first_child[path[-1] + 1])
                if child < 0:
                    break
                path.append(child)
                if self._ends[child] > self._low[child]:
                    found.append(self.arrays.ids[self._low[child] : self._ends[child]])
            former = rest[: len(path) - 1]
            if len(former) == len(rest) and (rest or lead):
                found += self._tokens_beyond(path[-1])
        return np.concatenate(found) if found else np.zeros(0, dtype=np.int32)

    def _tokens_beyond(self, node: int) -> list[Ids]:
        children = range(self._first_child[node], self._first_child[node + 1])
        return [self._below(child) for child in children if self._labels[child] not in NOT_AFTER_NAME]

    def _below(self, node: int) -> Ids:
        return self.arrays.ids[self._low[node] : self._high[node]]


def _num_shared(one: bytes, other: bytes) -> int:
    length = min(len(one), len(other))
    if one[:length] == other[:length]:
        return length
    return next(place for place in range(length) if one[place] != other[place])


def open_trie(tokenizer: Tokenizer, tokenizer_json: Path, folder: Path) -> ByteTrie:
    """The trie of a tokenizer, from the file in `folder` that an earlier start left; else it is built and left there.

    `tokenizer_json` is what the tokenizer was read from. A file that is broken is made again; one that cannot be
    written costs the next start its time.
    """
    digest = hashlib.blake2b(tokenizer_json.read_bytes(), digest_size=16).hexdigest()
    path = folder / f"{digest}-{_FORMAT}.safetensors"
    try:
        if path.exists():
            return ByteTrie(_from_file(_numpy_files.load_file(path), tokenizer.vocab_size))
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        log.warning("%s cannot be used (%s); it is made again", path, error)
    trie = ByteTrie.of(tokenizer)
    try:
        _write(path, _numpy_files.save(_to_file(trie.arrays)))
    except OSError as error:
        log.warning("%s cannot be written (%s): the next start builds it again", path, error)
    return trie


_ARRAYS = ("labels", "first_child", "low", "high", "ends", "ids")


def _to_file(arrays: TrieArrays) -> dict[str, NDArray[np.generic]]:
    return {name: getattr(arrays, name) for name in _ARRAYS}


def _from_file(arrays: Mapping[str, NDArray[np.generic]], size: int) -> TrieArrays:
    labels, first_child, low, high, ends, ids = (arrays[name] for name in _ARRAYS)
    if not len(labels) == len(first_child) - 1 == len(low) == len(high) == len(ends):
        raise ValueError("its arrays do not fit together")
    return TrieArrays(
        labels.astype(np.uint8, copy=False),
        *(each.astype(np.int32, copy=False) for each in (first_child, low, high, ends, ids)),
        size=size,
    )


def _write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: another process may read it at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(data)
    Path(file.name).replace(path)
