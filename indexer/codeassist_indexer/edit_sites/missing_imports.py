"""Names that an edit began to use and that its file does not import, as other files of the request import them.

Read from the texts alone: a name that is bound in the file in any way, or that no other file of its language imports
in one line, is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from codeassist.edits.change import LineChange
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.proposal import Proposal
from codeassist.edits.proposals.replacement import NAME, TOKEN
from codeassist.edits.site import Site
from codeassist_indexer.edit_sites.past_changes import MOST_CHANGES, names_in
from codeassist_indexer.languages.parsing.parse import code_lines
from codeassist_indexer.languages.registry import language_of

_MOST_NAMES, _MOST_CHARS, _PARSE_S = 40, 1_000_000, 0.05
_FROM = re.compile(r"from\s+(?P<module>[\w.]+)\s+import\s+(?P<names>[\w\s,]+)$")
_BRACES = re.compile(
    r"(?P<head>import\s+(?:type\s+)?)\{(?P<names>[^{}]*)\}\s*from\s*(?P<module>(['\"])[^'\"]+\4)(?P<end>;?)$"
)
_WHOLE = re.compile(r"(?:import|use)\s+(?:static\s+|type\s+)?(?P<path>[\w.:]+);?$")
_DEFAULT = re.compile(r"import\s+(?:type\s+)?(?P<name>[\w$]+)\s+from\s*(?P<module>(['\"])[^'\"]+\3);?$")
_IMPORT = re.compile(r"(?:import|from|use)\b")
_IMPORT_LINE = re.compile(r"^(?:import|from|use)\b.*$", re.MULTILINE)
_BOUND = (
    r"(?:\b(?:def|class|func|fn|function|const|let|var|type|interface|enum|struct|trait|for|as)\s+{0}\b"
    r"|\b{0}\s*(?::=|=(?!=))|\b{0}\s*:\s)"
)
_OPEN, _CLOSE = "([{", ")]}"


@dataclass(frozen=True, slots=True)
class MissingImport:
    """`line`, the import of `name`, is to stand in front of line `at` (from 0) of `path`."""

    path: str
    at: int
    name: str
    line: str


def missing_imports(request: EditRequest) -> tuple[MissingImport, ...]:
    """Return the imports that the files of the last edits lack."""
    history = request.history[-MOST_CHANGES:]
    imports = {path: _IMPORT_LINE.findall(text) for path, text in request.files.items() if len(text) <= _MOST_CHARS}
    found: list[MissingImport] = []
    for path in dict.fromkeys(change.path for change in reversed(history) if change.path in imports):
        text = request.files[path]
        others = _imports_that_fit(imports, path)
        for name in _new_names(history, path)[:_MOST_NAMES]:
            line = next(
                (made for line in others if name in line and (made := _import_of(line, name)) is not None), None
            )
            if line is not None and _is_unbound(name, text, imports[path]) and _is_code(name, path, text):
                at = _behind_imports(text.split("\n"))
                if at is not None:
                    found.append(MissingImport(path, at, name, line))
    return tuple(found)


class ImportRule:
    """The `Proposer` of imports that are missing."""

    name = "import rule"

    def propose(self, request: EditRequest, site: Site, should_stop: Callable[[], bool]) -> Sequence[Proposal]:
        """Return the imports that are missing where a site is the place for them."""
        if site.source != "import":
            return ()
        return [
            Proposal(LineChange(each.path, each.at, (), (each.line,)), site, self.name)
            for each in missing_imports(request)
            if each.path == site.path and abs(each.at - site.start_line) <= 1
        ]


def _new_names(history: Sequence[LineChange], path: str) -> list[str]:
    """The names that edits put into a file, the last ones first."""
    came = [
        name
        for change in reversed(history)
        if change.path == path
        for name in names_in(change.new) - names_in(change.old)
    ]
    return list(dict.fromkeys(came))


def _is_unbound(name: str, text: str, imports: Sequence[str]) -> bool:
    """Whether a name stands in a text by itself, and nothing in it binds or imports it."""
    word = re.escape(name)
    return (
        re.search(rf"(?<![\w.]){word}\b", text) is not None
        and not any(name in NAME.findall(line) for line in imports)
        and re.search(rf"^[ \t]+(?:import|from|use)\b.*\b{word}\b", text, re.MULTILINE) is None
        and re.search(_BOUND.format(word), text) is None
        and re.search(rf"^[ \t]*(?:type[ \t]+)?{word},?$", text, re.MULTILINE) is None  # a line of a longer import
    )


def _is_code(name: str, path: str, text: str) -> bool:
    """Whether a name is used in a text, not only spoken of in comments and strings; as far as anybody can say."""
    lines = code_lines(path, text, name, _PARSE_S)
    return lines is None or bool(lines)


def _imports_that_fit(imports: Mapping[str, Sequence[str]], path: str) -> list[str]:
    """The lines by which other files of the same language import, and by which this file can, too."""
    language, folder = language_of(path), path.rpartition("/")[0]
    return [
        line.rstrip()
        for other, lines in imports.items()
        if other != path and language_of(other) == language
        for line in lines
        if other.rpartition("/")[0] == folder or not _is_relative(line)
    ]


def _import_of(line: str, name: str) -> str | None:
    """An import line, cut down to one name; None where it does not import that."""
    if (found := _FROM.match(line)) is not None:
        entry = _entry(found["names"], name)
        return None if entry is None else f"from {found['module']} import {entry}"
    if (found := _BRACES.match(line)) is not None:
        entry = _entry(found["names"], name)
        return None if entry is None else f"{found['head']}{{ {entry} }} from {found['module']}{found['end']}"
    if (found := _DEFAULT.match(line)) is not None:
        return line if found["name"] == name else None
    if (found := _WHOLE.match(line)) is not None:
        binds = re.split(r"[.:]+", found["path"])
        return line if binds[-1] == name and (len(binds) == 1 or line.endswith(";")) else None
    return None


def _entry(names: str, name: str) -> str | None:
    entries = (entry.strip() for entry in names.split(","))
    return next((entry for entry in entries if TOKEN.findall(entry)[-1:] == [name]), None)


def _is_relative(line: str) -> bool:
    return re.search(r"from\s+(?:\.|['\"]\.)|(?:use|import)\s+(?:super|self)\b", line) is not None


def _behind_imports(lines: Sequence[str]) -> int | None:
    """The line behind the last import that begins at a line's start; None where there is none."""
    starts = [number for number, line in enumerate(lines) if _IMPORT.match(line)]
    if not starts:
        return None
    depth = 0
    for at in range(starts[-1], min(len(lines), starts[-1] + 60)):
        depth += sum((letter in _OPEN) - (letter in _CLOSE) for letter in lines[at])
        if depth <= 0:
            return at + 1
    return None
