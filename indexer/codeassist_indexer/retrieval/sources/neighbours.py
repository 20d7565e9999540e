"""Lexical neighbours: windows of other files that share rare words with the lines around the cursor.

Knows no imports and no model. Ranking is FTS5's BM25; what is done here is choosing the words and the windows.
"""

from __future__ import annotations

from collections.abc import Collection as Group
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from codeassist.request import Snippet
from codeassist_indexer.languages.registry import language_of
from codeassist_indexer.retrieval.query.cursor_query import IDENTIFIER, CursorQuery
from codeassist_indexer.storage.chunk_reader import StoredChunk, best_chunks, chunk_texts, stored_chunks
from codeassist_indexer.storage.lexical import Collection, code_tokens, identifier_tokens, query_terms
from codeassist_indexer.storage.store import Store

# Windows of about this many lines did best in our field (five of them raised exact match from 23 to 33).
WINDOW_LINES = 20
_MAX_HITS = 24
_MAX_WINDOWS = 12  # about what the largest budget can hold
_MAX_CHUNK_LINES = 30
_SHORT_CHUNK_LINES = 12
_WIDEN_BY = 3  # chunks on each side
_MAX_MERGED_LINES = 45  # more of one file would crowd out the others
_LEAST_TELLING_LINE = 8  # shorter lines ("else:", "})") stand everywhere and tell nothing about sameness
_SAME_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Window:
    """Whole lines of one file around a hit; `start_line` counts from 1. A lower `rank` is better, as in FTS5."""

    path: str
    start_line: int
    lines: tuple[str, ...]
    rank: float

    @property
    def end_line(self) -> int:
        """The line after the last."""
        return self.start_line + len(self.lines)


def texts_near(store: Store, chunks: Iterable[StoredChunk]) -> dict[int, tuple[int, str]]:
    """Return the chunks that `window_around` may widen these by: file and text by number."""
    short = [chunk.chunk_id for chunk in chunks if _num_lines(chunk.text) < _SHORT_CHUNK_LINES]
    if not short:
        return {}
    near = {chunk_id + by for chunk_id in short for by in range(-_WIDEN_BY, _WIDEN_BY + 1)}
    return chunk_texts(store, near)


def lexical_neighbours(
    store: Store, collection: Collection, path: str, around: CursorQuery, text: str
) -> list[Snippet]:
    """Return neighbours of the lines `around` the cursor in the file `path`, the best first.

    Nothing comes from the file itself, and nothing whose lines mostly stand in `text` already.
    """
    language = language_of(path) or ""
    terms = query_terms(around.by_distance, language, collection)
    if not terms:
        return []
    spelling = spelling_near(around)
    known_lines = {line.strip() for line in text.splitlines()}
    windows = _distinct(merge_windows(_hit_windows(store, path, terms)), known_lines)
    return [
        Snippet(
            path=window.path,
            text="\n".join(window.lines) + "\n",
            start_line=window.start_line,
            end_line=window.end_line,
            source="bm25",
            score=-window.rank,
            reason=_reason(window, terms, spelling),
        )
        for window in windows[:_MAX_WINDOWS]
    ]


def merge_windows(windows: Sequence[Window]) -> list[Window]:
    """Join windows of one file that overlap or touch; the joined one has the best rank. The order is by rank.

    What would become too long stays apart, without the lines that both hold.
    """
    merged: list[Window] = []
    for window in sorted(windows, key=lambda window: (window.path, window.start_line)):
        last = merged[-1] if merged else None
        if last is None or last.path != window.path or window.start_line > last.end_line:
            merged.append(window)
            continue
        tail = window.lines[last.end_line - window.start_line :]
        if len(last.lines) + len(tail) <= _MAX_MERGED_LINES:
            merged[-1] = replace(last, lines=(*last.lines, *tail), rank=min(last.rank, window.rank))
        elif tail:
            merged.append(replace(window, start_line=last.end_line, lines=tail))
    return sorted(merged, key=lambda window: (window.rank, window.path, window.start_line))


def window_around(
    chunk: StoredChunk, near: Mapping[int, tuple[int, str]], terms: Group[str], rank: float
) -> Window | None:
    """Return whole lines around a chunk, about WINDOW_LINES, as they would be shown; None for blank lines only.

    A long chunk is cut where the most `terms` are, a short one widened by the chunks around it, of `texts_near`.
    """
    lines, start_line = _lines(chunk.text), chunk.start_line
    if len(lines) > _MAX_CHUNK_LINES:
        offset = _densest(lines, chunk.language, terms)
        lines, start_line = lines[offset : offset + WINDOW_LINES], start_line + offset
    elif len(lines) < _SHORT_CHUNK_LINES:
        lines, start_line = _widened(lines, chunk, near)
    if not (lines[0].strip() and lines[-1].strip()):
        filled = [n for n, line in enumerate(lines) if line.strip()]
        if not filled:
            return None
        lines, start_line = lines[filled[0] : filled[-1] + 1], start_line + filled[0]
    return Window(chunk.path, start_line, tuple(lines), rank)


def _hit_windows(store: Store, path: str, terms: Sequence[str]) -> list[Window]:
    rank_by_id = best_chunks(store, terms, path, _MAX_HITS)
    chunks = stored_chunks(store, list(rank_by_id))
    near, sought = texts_near(store, chunks), frozenset(terms)
    windows = [window_around(chunk, near, sought, rank_by_id[chunk.chunk_id]) for chunk in chunks]
    return [window for window in windows if window is not None]


def _widened(lines: list[str], chunk: StoredChunk, near: Mapping[int, tuple[int, str]]) -> tuple[list[str], int]:
    """Return a chunk's lines with the chunks that follow it, then those that precede it, while WINDOW_LINES hold them.

    With the first line's number.
    """
    start_line = chunk.start_line

    def beside(steps: Iterable[int]) -> Iterator[list[str]]:
        for by in steps:
            file_id, text = near.get(chunk.chunk_id + by, (None, ""))
            if file_id == chunk.file_id:
                yield _lines(text)

    for following in beside(range(1, _WIDEN_BY + 1)):
        if len(lines) + len(following) > WINDOW_LINES:
            break
        lines = lines + following
    for preceding in beside(range(-1, -_WIDEN_BY - 1, -1)):
        if len(lines) + len(preceding) > WINDOW_LINES:
            break
        lines = preceding + lines
        start_line -= len(preceding)
    return lines, start_line


def _num_lines(text: str) -> int:
    return text.count("\n") + (not text.endswith("\n"))


def _lines(text: str) -> list[str]:
    """Return the lines of a chunk. Only "\\n" ends one, as the chunks' line numbers count."""
    lines = text.removesuffix("\n").split("\n")
    return [line.removesuffix("\r") for line in lines] if "\r" in text else lines


def _densest(lines: Sequence[str], language: str, terms: Group[str]) -> int:
    """Return where the WINDOW_LINES lines begin that hold the most different terms."""
    found = [{token for token in code_tokens(line, language) if token in terms} for line in lines]
    starts = range(0, max(1, len(lines) - WINDOW_LINES + 1))
    return max(starts, key=lambda start: (len(set[str]().union(*found[start : start + WINDOW_LINES])), -start))


def _distinct(windows: Sequence[Window], known_lines: Group[str]) -> list[Window]:
    """Leave out windows whose telling lines mostly stand in the prompt, or in a better window, already."""
    known = KnownLines(known_lines)
    return [window for window in windows if known.takes(window.lines)]


class KnownLines:
    """The lines that a prompt would have already; `takes` says whether a window adds to them, and adds it."""

    def __init__(self, lines: Group[str]) -> None:
        self._seen = set(lines)

    def takes(self, lines: Sequence[str]) -> bool:
        """Add the lines of a window unless its telling ones mostly stand there."""
        telling = [line for line in map(str.strip, lines) if len(line) >= _LEAST_TELLING_LINE]
        num_seen = len([line for line in telling if line in self._seen])
        if not telling or num_seen >= _SAME_SHARE * len(telling):
            return False
        self._seen.update(telling)
        return True


def spelling_near(around: CursorQuery) -> dict[str, str]:
    """Return how each term is written near the cursor; a part of a name is explained by the whole name."""
    spelling: dict[str, str] = {}
    for line in around.by_distance:
        for name in IDENTIFIER.findall(line):
            for token in identifier_tokens(name):
                spelling.setdefault(token, name)
    return spelling


def _reason(window: Window, terms: Sequence[str], spelling: dict[str, str]) -> str:
    language = language_of(window.path) or ""
    present = set(code_tokens("\n".join(window.lines), language))
    shared = [term for term in terms if term in present]
    whole = [spelling[term] for term in shared if spelling.get(term, "").strip("_").lower() == term]
    names = list(dict.fromkeys([*whole, *shared]))[:3]
    return f"shares {', '.join(names)} with the lines around the cursor"
