"""Which place a text ends at: after a dot, in an import, an argument's name, a case, after `new`.

Lexical: knows no types and no names of the repository. It may name places that nothing is known about.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from codeassist.request import NamePosition
from codeassist_indexer.analysis.text.lexer import START, LexState, TextEnd, lex_end
from codeassist_indexer.languages.forms.words import words
from codeassist_indexer.languages.registry import analysis_of
from codeassist_indexer.languages.spec import BracePlaces

_TAIL_CHARS = 2_000  # of a statement: a longer one is data
_HINT_CHARS = 80
_NAME_END = re.compile(r"(?:[^\W\d]\w*)?\Z")
_DOT = re.compile(r"(?:(?P<number>(?<![\w.])\d[\d_]*)|(?P<value>[\w\])}\"'`$!>]))(?:\s|\\\n)*(?:\?\.|\.)\Z")
# Whether it is worth reading the text at all: what stands before the name that is being written.
_PYTHON_HINT = re.compile(r"[.(,]\s*\Z|\b(?:import|from)\s+\Z|\bcase\s+\Z")
_BRACE_HINT = re.compile(r"(?:\.|::)\Z|\b(?:new|case|import|static)\s+\Z|,\s*\Z|\{\s*\Z")

_FROM_IMPORT = re.compile(r"\s*from\s+(?:\.|\w)[\w.]*\s+import\s*\(?\s*(?:\w+(?:\s+as\s+\w+)?\s*,\s*)*\Z")
_FROM = re.compile(r"\s*from\s+(?:\.*(?:\w+\.)+|\.+)\Z")
_IMPORT = re.compile(r"\s*import\s+(?:[\w.]+(?:\s+as\s+\w+)?\s*,\s*)*(?:\w+\.)+\Z")
_ANY_IMPORT = re.compile(r"\s*(?:from|import)\b")
_CASE = re.compile(r"\s*case\s+(?:[^=]*[|(\[,:]\s*)?(?:\w+\.)+\Z")
_DEFINITION = re.compile(r"(?:^|[\n;])\s*(?:async\s+def|def|class)\s+\w+\s*(?:\[[^\]]*\]\s*)?\Z")
_CALLEE_END = re.compile(r"(?P<word>[^\W\d]\w*)[ \t]*\Z|[\])]\Z")
_LAMBDA = re.compile(r"\blambda\b[^:]*\Z")
_NO_CALLEES = words(
    """and as assert async await case del elif else except finally for from if import in is lambda match not or print
    raise return while with yield"""
)

_NEW = re.compile(r"(?<![\w.$])new\s+\Z")
_QUALIFIED_CASE = re.compile(r"(?<![\w.$])case\s+(?:[\w$]+\.)+\Z")
_STATEMENT_START = re.compile(r"[;{}\n]")


@dataclass(frozen=True, slots=True)
class NamePositions:
    """Finds the place at the end of texts that all begin with `settled_text`, up to where `settled` says."""

    language: str
    settled: LexState = START

    def at_end(self, text: str) -> NamePosition | None:
        """Return the place at which `text` ends; None in strings, comments, and where nothing could be known."""
        rules = analysis_of(self.language)
        if rules is None:
            return None
        name_end = _NAME_END if rules.places is None else rules.places.name_end
        found = name_end.search(text, max(0, len(text) - _HINT_CHARS))
        start = found.start() if found is not None else len(text)
        hint = _PYTHON_HINT if rules.places is None else _BRACE_HINT
        if not hint.search(text[max(0, start - _HINT_CHARS) : start]):
            return None
        head = text[max(0, start - _TAIL_CHARS) : start]
        end = lex_end(self.language, text, self.settled)
        if not end.is_code:
            return None
        if rules.places is None:
            return _python_kind(text, start, head, end)
        return _brace_kind(rules.places, text, start, head, end)


def _python_kind(text: str, start: int, head: str, end: TextEnd) -> NamePosition | None:
    statement = _statement(text, start, end)
    if _ANY_IMPORT.match(statement):
        is_import = _FROM_IMPORT.fullmatch(statement) or _FROM.fullmatch(statement) or _IMPORT.fullmatch(statement)
        return NamePosition("import", start) if is_import else None
    if head.endswith("."):
        if not _is_dereference(head):
            return None
        return NamePosition("case" if _CASE.match(statement) else "member", start)
    return NamePosition("keyword", start) if _is_argument(text, start, end) else None


def _brace_kind(places: BracePlaces, text: str, start: int, head: str, end: TextEnd) -> NamePosition | None:
    line = head[head.rfind("\n") + 1 :]
    if places.import_path is not None and line.lstrip().startswith("import"):
        return NamePosition("import", start) if places.import_path.fullmatch(line) else None
    if places.import_braces is not None and head.endswith(("{", ",", " ", "\n")) and end.brackets:
        opened = text.rfind("\n", 0, end.brackets[-1]) + 1
        if start - opened < _TAIL_CHARS and places.import_braces.fullmatch(text[opened:start]):
            return NamePosition("import", start)
    if head.endswith("."):
        if not _is_dereference(head):
            return None
        if line.lstrip().startswith(("using ", "namespace ", "package ", "import ")):
            return None
        return NamePosition("case" if _QUALIFIED_CASE.search(line) else "member", start)
    if places.method_reference is not None and places.method_reference.search(head):
        return NamePosition("member", start)
    if places.case_label is not None and places.case_label.search(line):
        return NamePosition("case", start)
    return NamePosition("class", start) if _NEW.search(line) else None


def _is_dereference(head: str) -> bool:
    """Whether the dot at the end of `head` stands after a value: no number's point, no dots in a row."""
    found = _DOT.search(head[-200:])
    return found is not None and found["number"] is None


def _statement(text: str, start: int, end: TextEnd) -> str:
    """The statement of Python up to `start`: its line, from before the brackets that are open in it."""
    first = end.brackets[0] if end.brackets and start - end.brackets[0] < _TAIL_CHARS else start
    line_start = text.rfind("\n", 0, first) + 1
    statement = text[line_start:start]
    return statement.rpartition(";")[2] if not end.brackets else statement


def _is_argument(text: str, start: int, end: TextEnd) -> bool:
    """Whether an argument of a call begins at `start`."""
    if not end.brackets or text[end.brackets[-1]] != "(":
        return False
    opened = end.brackets[-1]
    before = text[opened + 1 : start].rstrip()
    if (before and not before.endswith(",")) or _LAMBDA.search(before):
        return False
    head = text[max(0, opened - 300) : opened]
    callee = _CALLEE_END.search(head)
    return callee is not None and callee["word"] not in _NO_CALLEES and _DEFINITION.search(head) is None
