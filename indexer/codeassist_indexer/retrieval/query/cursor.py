"""The text around a cursor: the lines near it, what encloses it, and names looked for in it.

A statement that is half written, which no parser makes sense of, changes nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from codeassist.request import CompletionRequest
from codeassist_indexer.languages.registry import blocks_of
from codeassist_indexer.languages.spec import IndentedBlocks, WordBlocks

IDENTIFIER = re.compile(r"[^\W\d]\w*")
# The published recipe of RLCoder asks for the last non-empty lines before the cursor.
LINES_BEFORE = 12
LINES_AFTER = 4
# Of longer lines, the part nearest to the cursor: patterns that look for a name before a line's end try every place.
_MOST_LINE_CHARS = 600

_MAX_LINES_UP = 2_000
_TYPE = re.compile(
    r"^[^()=\"']*?\b(?:class|interface|struct|enum|trait|record|impl|object|protocol|extension|actor|module)\b(?:\s*<[^<>]*>)?\s+([^\W\d]\w*)([^{]*)"
)
_IMPL_FOR = re.compile(r"^(?:unsafe\s+)?impl\b(?:\s*<[^<>]*>)?\s+([^\W\d][\w:]*)(?:<[^<>]*>)?\s+for\s+([^\W\d]\w*)")
# What stands in front tells a definition from a call; a method of JavaScript has nothing there, but a brace after it.
_FUNCTION = re.compile(r"([^=.(]*?)\b([^\W\d]\w*)\s*(?:<[^<>()]*>)?\s*(=\s*(?:async\s*)?)?\((?![\"'`])")
_GO_RECEIVER = re.compile(r"^func\s*\([^()]*\)\s*")
_FIRST_WORD = re.compile(r"\w+")
_NO_BASE_TEXT = re.compile(r"\w+\s*=[^,)]*|<[^<>]*>|\[[^\[\]]*\]")
_NO_FUNCTION = frozenset({
    "if", "for", "foreach", "while", "switch", "catch", "elif", "else", "return", "with", "match", "new", "await",
    "using", "lock", "synchronized", "try", "except", "do", "when", "case", "yield", "throw", "super", "this",
})  # fmt: skip
_NO_BASE = frozenset({
    "extends", "implements", "permits", "public", "protected", "private", "virtual", "final", "where", "object", "for",
})  # fmt: skip

_DEFINING = ("def ", "fn ", "func ", "function ")
_OPENED = re.compile(r"\s*\(")
_RECEIVER_CHARS = 60_000
_TYPE_CHARS = 200
_MADE_OF = re.compile(r"\s*=\s*(?:await\s+|new\s+|&)?\\?(?:[\w.\\:]+[.\\:])?([A-Z]\w*)(?:\s*[({<]|[.:]new\b)")
_DECLARED_AS = re.compile(r"\s*:\s*&?(?:mut\s+)?[\"']?(?:Optional\[)?(?:[\w.]+\.)?([A-Z]\w*)")
_TYPE_BEFORE = re.compile(r"\b([A-Z]\w*)(?:<[^<>\n]*>)?\s+\Z")
_AFTER_DECLARED = re.compile(r"\s*[=;,)]")
_RECEIVER = re.compile(r"([^\W\d]\w*)\s*(?:\.|->|::|\?\.)\s*\w*$")


@dataclass(frozen=True, slots=True)
class CursorQuery:
    """The lines near a cursor: `line_head` is its own up to it; `before` and `after` begin with the nearest.

    Distances count non-blank lines: 0 is the line of the cursor.
    """

    line_head: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def by_distance(self) -> tuple[str, ...]:
        """All lines, the nearest first; what stands before the cursor counts as nearer."""
        return (self.line_head, *self.before, *self.after)

    def distance_by_name(self) -> Mapping[str, int]:
        """Return each identifier near the cursor with the distance of the nearest line that holds it."""
        distances: dict[str, int] = {}
        for distance, line in enumerate(self.by_distance):
            for name in IDENTIFIER.findall(line):
                distances.setdefault(name, distance)
        return distances


def cursor_query(request: CompletionRequest) -> CursorQuery:
    """Return the non-blank lines around the request's cursor."""
    # 200 characters a line is enough for the tail to hold the lines that are wanted, however long the file is.
    *before, line_head = request.prefix[-(LINES_BEFORE + 30) * 200 :].splitlines() if request.prefix else [""]
    if request.prefix.endswith(("\n", "\r")):
        before, line_head = [*before, line_head], ""
    after = request.suffix[: (LINES_AFTER + 10) * 200].splitlines()[1:]
    return CursorQuery(
        line_head[-_MOST_LINE_CHARS:],
        tuple(line[-_MOST_LINE_CHARS:] for line in reversed(before) if line.strip())[: LINES_BEFORE - 1],
        tuple(line[:_MOST_LINE_CHARS] for line in after if line.strip())[:LINES_AFTER],
    )


def distances_near(request: CompletionRequest, around: CursorQuery) -> dict[str, int]:
    """Return each name near the cursor with the distance of the nearest line that holds it.

    -1 is the distance of the type of what stands before the dot at the cursor.
    """
    distances = dict(around.distance_by_name())
    receiver = _RECEIVER.search(around.line_head)
    made_of = None if receiver is None else receiver_type(request.prefix, receiver[1])
    if made_of is not None:
        distances[made_of] = -1
    return distances


def receiver_type(prefix: str, name: str) -> str | None:
    """Return the name of the type that a variable of this name was last made of or declared with, if that is known."""
    text = prefix[-_RECEIVER_CHARS:]
    found: dict[int, str] = {}
    for at in places_of(text, name):
        end = at + len(name)
        made = _MADE_OF.match(text, end) or _DECLARED_AS.match(text, end)
        if made is not None:
            found[at] = made.group(1)
            continue
        begin = at - 1 if at and text[at - 1] == "$" else at  # PHP's
        if begin > 0 and text[begin - 1].isspace() and _AFTER_DECLARED.match(text, end):
            declared = _TYPE_BEFORE.search(text, max(0, begin - _TYPE_CHARS), begin)
            if declared is not None:
                found[declared.start()] = declared.group(1)
    return found[max(found)] if found else None


@dataclass(frozen=True, slots=True)
class Enclosing:
    """`function` and `type` are plain names, None where there is none; `bases` are the names in the type's head."""

    function: str | None
    type: str | None
    bases: tuple[str, ...]


def enclosing(prefix: str, line_head: str, language: str) -> Enclosing:
    """Return what is around the end of `prefix`, whose last line is `line_head`, by the lines' indentation.

    Code without indentation has no enclosing anything.
    """
    function: str | None = None
    for line in _opening_lines(prefix, line_head):
        declared = _type_of(line)
        if declared is not None:
            return Enclosing(function, *declared)
        if function is None:
            function = _function_of(line, language)
    return Enclosing(function, None, ())


def _opening_lines(prefix: str, line_head: str) -> Iterator[str]:
    """Yield the lines above the cursor's that stand further left than all below them, from the innermost out."""
    lines = prefix.splitlines()
    if prefix and not prefix.endswith(("\n", "\r")):
        lines.pop()
    limit = _indent(line_head) if line_head.strip() else len(line_head.expandtabs(4))
    for line in reversed(lines[-_MAX_LINES_UP:]):
        text = line.strip()[:_MOST_LINE_CHARS]
        if limit == 0:
            return
        if not text or text.startswith(("#", "//", "*", "/*", "@")):
            continue
        indent = _indent(line)
        if indent >= limit:
            continue
        # The last line of a head that goes over several: what it belongs to begins at the same column.
        is_tail = text[0] in ")}]{" or text.startswith(("->", "throws "))
        limit = indent + 1 if is_tail else indent
        if not is_tail:
            yield text


def _indent(line: str) -> int:
    expanded = line.expandtabs(4)
    return len(expanded) - len(expanded.lstrip())


def _type_of(line: str) -> tuple[str, tuple[str, ...]] | None:
    implemented = _IMPL_FOR.search(line)
    if implemented is not None:
        return implemented[2], (implemented[1].rpartition(":")[2],)
    declared = _TYPE.search(line)
    if declared is None or line.startswith(("return ", "import ", "from ")):
        return None
    named = IDENTIFIER.findall(_NO_BASE_TEXT.sub("", declared[2]))
    return declared[1], tuple(name for name in dict.fromkeys(named) if name not in _NO_BASE)


def _function_of(line: str, language: str) -> str | None:
    blocks = blocks_of(language)
    if isinstance(blocks, IndentedBlocks | WordBlocks):
        defined = blocks.function.match(line)
        return defined[1] if defined is not None else None
    first = _FIRST_WORD.match(line)
    if first is not None and first[0] in _NO_FUNCTION:
        return None
    found = _FUNCTION.match(_GO_RECEIVER.sub("func ", line))
    is_definition = found is not None and (found[1].strip() or found[3] or line.endswith(("{", "=>")))
    return found[2] if found is not None and is_definition and found[2] not in _NO_FUNCTION else None


def places_of(text: str, name: str) -> Iterator[int]:
    """Yield where `name` stands as a word of its own. Making a pattern for each name takes longer than looking."""
    size = len(name)
    at = text.find(name)
    while at >= 0:
        end = at + size
        if not (at and _is_of_word(text[at - 1])) and not (end < len(text) and _is_of_word(text[end])):
            yield at
        at = text.find(name, at + 1)


def has_word(text: str, name: str) -> bool:
    """Say whether `name` stands in a text as a word of its own."""
    return next(places_of(text, name), None) is not None


def calls(text: str, name: str) -> bool:
    """Say whether a text has `name` with a bracket opened after it, and not where it is defined."""
    return any(
        _OPENED.match(text, at + len(name)) and not text.endswith(_DEFINING, 0, at) for at in places_of(text, name)
    )


def _is_of_word(char: str) -> bool:
    return char == "_" or char.isalnum()


def taken_of(text: str, module: str) -> list[str]:
    """Return the names after `module.`, `module::` and `module->`, in the order of the text."""
    if not module:
        return []
    found: list[tuple[int, str]] = []
    for separator in (".", "::", "->"):
        opened = module + separator
        at = text.find(opened)
        while at >= 0:
            if not (at and _is_of_word(text[at - 1])):
                name = IDENTIFIER.match(text, at + len(opened))
                if name is not None:
                    found.append((at, name[0]))
            at = text.find(opened, at + len(opened))
    return [name for _, name in sorted(found)]
