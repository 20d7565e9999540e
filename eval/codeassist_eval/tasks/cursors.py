"""Places in a file where a name from another file is needed: before it, after the dot in front of it, in its call.

Parsed files and a text in, cursors out. A place counts only at the name's first use, where nothing above the cursor but
an import could give the name away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from tree_sitter import Node

from codeassist_eval.tasks.task import Language
from codeassist_indexer.languages.forms.parsed import ParsedFile
from codeassist_indexer.languages.registry import language_of, parser

Kind = Literal["name", "member", "args"]

MIN_NAME_CHARS = 4  # shorter names are too often something else of the same name
_MIN_TRUTH_CHARS = 4
_MAX_LINE_CHARS = 200
_MAX_DEFINING_FILES = 3  # a member that more files define could be anybody's
_IMPORTS = frozenset(
    {"import_statement", "import_from_statement", "import_declaration", "package_declaration", "using_directive"}
)
_OPAQUE = frozenset({"comment", "line_comment", "block_comment", "string_content", "string_fragment"})
_BARE_TYPES: frozenset[Language] = frozenset({"java", "csharp"})  # types of the same package need no import


@dataclass(frozen=True, slots=True)
class Cursor:
    """A cursor in a text: what stands from there to the end of its line is the truth. `line` counts from 0."""

    kind: Kind
    name: str
    prefix: str
    truth: str
    suffix: str
    line: int


class Definitions:
    """Which files of a repository define which names."""

    def __init__(self, files: Mapping[str, ParsedFile]) -> None:
        self._files = files
        self.top_level: dict[str, set[str]] = {}
        self.members: dict[str, set[str]] = {}
        for path, parsed in files.items():
            for symbol in parsed.symbols:
                table = self.members if symbol.parent else self.top_level
                table.setdefault(symbol.name, set()).add(path)

    def elsewhere(self, table: Mapping[str, set[str]], name: str, path: str) -> set[str]:
        """Return the files that define `name`; none if `path` defines it too."""
        found = table.get(name, set())
        return set() if path in found else found


def cross_file_cursors(path: str, text: str, parsed: ParsedFile, definitions: Definitions) -> list[Cursor]:
    """Return every cursor of `text`, in order; of one line there may be several."""
    language = language_of(path, text)
    if language is None:
        return []
    source = text.encode()
    uses = list(identifiers_of(parser(language).parse(source).root_node))
    imported = {found.alias or found.name for found in parsed.imports}
    bare_types = language in _BARE_TYPES
    used = {node.text.decode() for node in uses if node.text is not None}
    known = {name for name in used if bare_types or name in imported}
    known = {name for name in known if definitions.elsewhere(definitions.top_level, name, path)}
    neighbours = {file for name in known for file in definitions.top_level[name]}
    cursors: list[Cursor] = []
    seen: set[str] = set()
    for node in uses:
        name = source[node.start_byte : node.end_byte].decode()
        if name in seen or len(name) < MIN_NAME_CHARS or name.startswith("__"):
            continue
        receiver = receiver_of(source, node.start_byte)
        if receiver is None:
            kind: Kind | None = "name" if name in known else None
        else:
            kind = "member" if _is_member(name, receiver, path, definitions, neighbours) else None
        if kind is None:
            continue
        seen.add(name)
        cursors += cursors_at(source, kind, name, node.start_byte, node)
        if source[node.end_byte : node.end_byte + 1] == b"(":
            cursors += cursors_at(source, "args", name, node.end_byte + 1, node)
    return cursors


def _is_member(name: str, receiver: str, path: str, definitions: Definitions, neighbours: set[str]) -> bool:
    """Whether `receiver.name` is likely another file's: a member of a file that this one uses, or of a module."""
    modules = definitions.elsewhere(definitions.top_level, name, path)
    if any(PurePosixPath(file).stem == receiver for file in modules):
        return True
    if name in definitions.top_level:
        return False
    defining = definitions.elsewhere(definitions.members, name, path)
    return len(defining) <= _MAX_DEFINING_FILES and bool(defining & neighbours)


def cursors_at(source: bytes, kind: Kind, name: str, byte_offset: int, node: Node) -> Iterator[Cursor]:
    """Yield the cursor at an offset, for the name that `node` is, if what stands behind it is worth predicting."""
    line_end = source.find(b"\n", byte_offset)
    line_end = len(source) if line_end < 0 else line_end
    line_start = source.rfind(b"\n", 0, byte_offset) + 1
    truth = source[byte_offset:line_end].decode().rstrip()
    if len(truth.strip()) < _MIN_TRUTH_CHARS or line_end - line_start > _MAX_LINE_CHARS:
        return
    if not re.search(r"[^\W\d]", truth):
        return
    yield Cursor(
        kind,
        name,
        prefix=source[:byte_offset].decode(),
        truth=truth,
        suffix=source[byte_offset:].decode()[len(truth) :],
        line=node.start_point.row,
    )


def receiver_of(source: bytes, byte_offset: int) -> str | None:
    """Return the word before the dot that stands before the offset; "" for a call or index, None for no dot."""
    if source[byte_offset - 1 : byte_offset] != b"." or byte_offset == 0:
        return None
    match = re.search(rb"\w+$", source[max(0, byte_offset - 101) : byte_offset - 1])
    return match[0].decode(errors="replace") if match else ""


def identifiers_of(root: Node) -> Iterator[Node]:
    """Yield every identifier in order, outside imports, comments and strings."""
    pending = [root]
    while pending:
        node = pending.pop()
        if node.type in _IMPORTS or node.type in _OPAQUE:
            continue
        if node.child_count == 0:
            if node.type.endswith("identifier"):
                yield node
        else:
            pending.extend(reversed(node.children))
