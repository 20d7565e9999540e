"""What stands around a cursor, found out before there is an answer. Pure, but for the time that parsing may take."""

from __future__ import annotations

from dataclasses import dataclass, replace

from codeassist_indexer.fitting.brackets import Closer, Scan, scan
from codeassist_indexer.fitting.fewest_errors import ErrorCounter
from codeassist_indexer.fitting.indentation import Style, leading, style_of, width
from codeassist_indexer.fitting.nearby_text import FAR_CHARS, near_before, near_behind
from codeassist_indexer.fitting.repetition import is_light
from codeassist_indexer.languages.registry import language_of

PARSE_LIMIT_S = 0.005
SCANNED_CHARS = 8_000
_LOOKED_AT_CHARS = 2 * FAR_CHARS
_LONG_LITERALS = ("*/", '"""', "'''", "`")


@dataclass(slots=True)
class FitContext:
    """The text around a cursor, and what it takes to trim answers there. `place_of` makes it.

    `line` is the cursor's line up to it, `rest` what it goes on with. `before` is the scan of what stands before the
    cursor, `behind` are the closers after it that close nothing there. `has_crlf`: so do its lines end.
    What parsing costs is counted for each answer as a whole.
    """

    path: str
    prefix: str
    suffix: str
    line: str
    rest: str
    language: str | None
    before: Scan
    behind: tuple[Closer, ...]
    style: Style | None
    has_crlf: bool
    _counter: ErrorCounter | None = None

    @property
    def is_before_code(self) -> bool:
        """Whether nothing but white space stands before the cursor on its line, and code after it."""
        return not self.line.strip() and not is_light(self.rest)

    def prepare(self) -> None:
        """Look at the syntax of what stands here without an answer: with one, less is left to do."""
        if self.language is not None:
            self.counter(self.language).prepare()

    def restart_clock(self) -> None:
        """Let parsing for another answer take its time."""
        if self._counter is not None:
            self._counter.restart_clock()

    def counter(self, language: str) -> ErrorCounter:
        """What counts the syntax errors here; made when it is first needed."""
        if self._counter is None:
            self._counter = ErrorCounter(language, self.prefix, self.suffix, PARSE_LIMIT_S)
        return self._counter


def place_of(prefix: str, suffix: str, path: str) -> FitContext:
    """Look at the text around a cursor, whatever will be said there."""
    language = language_of(path, prefix)
    prefix, suffix = prefix[-_LOOKED_AT_CHARS:], suffix[:_LOOKED_AT_CHARS]
    has_crlf = "\r\n" in prefix[-SCANNED_CHARS:] + suffix[:SCANNED_CHARS]
    prefix, suffix = with_newlines(prefix), with_newlines(suffix)
    before = scan(near_before(prefix, SCANNED_CHARS, language), language)
    near = near_behind(suffix, SCANNED_CHARS, language)
    behind = scan(near, language, before.literal)
    if behind.closers and behind.closers[0].mark in _LONG_LITERALS and _belongs_to_another(behind.closers[0], near):
        behind = scan(near, language)  # the string or comment at the cursor is not closed yet
    line, rest = prefix[prefix.rfind("\n") + 1 :], suffix.partition("\n")[0]
    closers = tuple(_on_line(each, line) if each.char_offset < len(rest) else each for each in behind.closers)
    return FitContext(path, prefix, suffix, line, rest, language, before, closers, style_of(prefix, suffix), has_crlf)


def _on_line(closer: Closer, line: str) -> Closer:
    """A closer on the cursor's own line, as that line is indented."""
    return replace(closer, indent=width(leading(line)) + closer.indent, leads=closer.leads and not line.strip())


def with_newlines(text: str) -> str:
    """The text with "\\n" as its only line end."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _belongs_to_another(closer: Closer, suffix: str) -> bool:
    """Whether what could end the comment or string at the cursor ends one that begins after it."""
    if closer.mark == "*/":
        return "/*" in suffix[: closer.char_offset]
    return suffix.count(closer.mark) % 2 == 0
