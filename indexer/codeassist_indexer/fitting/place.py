"""What stands around a cursor, found out before there is an answer. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from codeassist_indexer.fitting.indentation import Style, style_of
from codeassist_indexer.fitting.lexing.cursor_state import CursorState, state_at
from codeassist_indexer.fitting.lexing.reader import Reader
from codeassist_indexer.fitting.lexing.scan import Scan, scan_of
from codeassist_indexer.fitting.nearby_text import FAR_CHARS
from codeassist_indexer.fitting.repetition import is_light
from codeassist_indexer.languages.client_ids import named_for
from codeassist_indexer.languages.lexicons.choice import lexicon_of
from codeassist_indexer.languages.registry import language_in

SCANNED_CHARS = 8_000
_LOOKED_AT_CHARS = 2 * FAR_CHARS


@dataclass(slots=True)
class FitContext:
    """The text around a cursor, and what it takes to trim answers there. `place_of` makes it.

    The kind of file is told by `path`, a name as such files have it; `language` is the one of a spec, or None.
    `line` is the cursor's line up to it, `rest` what it goes on with. `state` is what stands open at the cursor;
    `before` says of it which brackets of the code around it, and what closes the string or comment it stands in.
    `has_crlf`: so do its lines end.
    """

    path: str
    prefix: str
    suffix: str
    line: str
    rest: str
    language: str | None
    state: CursorState
    before: Scan
    style: Style | None
    has_crlf: bool

    @property
    def is_before_code(self) -> bool:
        """Whether nothing but white space stands before the cursor on its line, and code after it."""
        return not self.line.strip() and not is_light(self.rest)

    @property
    def num_closers_behind(self) -> int:
        """How many closers after the cursor close what does not begin there."""
        reader = Reader(self.state.stack)
        reader.read(self.line + self.rest, len(self.line))
        reader.end_line()
        num_on_line = sum(not each.is_soft for each in reader.closers)
        return num_on_line + len(self.state.read_below(reader.stack).closers)

    def prepare(self) -> None:
        """Read the lines below as they are without an answer: with one, less is left to do."""
        self.state.read_below(self.state.stack)


def place_of(prefix: str, suffix: str, path: str, told: str | None = None) -> FitContext:
    """Look at the text around a cursor, whatever will be said there. `told`: the language that its client names."""
    language = language_in(told, path, prefix)
    path = named_for(told or language, path)
    prefix, suffix = prefix[-_LOOKED_AT_CHARS:], suffix[:_LOOKED_AT_CHARS]
    has_crlf = "\r\n" in prefix[-SCANNED_CHARS:] + suffix[:SCANNED_CHARS]
    prefix, suffix = with_newlines(prefix), with_newlines(suffix)
    line, rest = prefix[prefix.rfind("\n") + 1 :], suffix.partition("\n")[0]
    state = state_at(prefix, suffix, lexicon_of(language, path), language, SCANNED_CHARS)
    return FitContext(
        path, prefix, suffix, line, rest, language, state, scan_of(state), style_of(prefix, suffix), has_crlf
    )


def with_newlines(text: str) -> str:
    """The text with "\\n" as its only line end."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
