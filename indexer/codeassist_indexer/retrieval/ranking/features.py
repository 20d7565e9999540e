"""What the ranker sees of a candidate: numbers made of the candidate, the other candidates, and the text at the cursor.

The names are part of a ranker's file: a file made for other names is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from codeassist.request import CompletionRequest
from codeassist_indexer.retrieval.query.cursor import IDENTIFIER, cursor_query
from codeassist_indexer.retrieval.sources.candidate import SOURCES, Candidate, Source
from codeassist_indexer.retrieval.vectors.static_encoder import words_of

Kind = Literal["line_start", "member", "argument", "value", "import", "other"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""What may come at a cursor, by what stands before it in its line."""

_LIKE: dict[Source, Source] = {"library": "imported"}
# A package's definition looks to the ranker like one of the repository's that the file imports, which it learned to
# judge; what it is worth beside those is `Rules.library_share`.
_SOURCES = tuple(source for source in SOURCES if source not in _LIKE)

NAMES: tuple[str, ...] = (
    "bias", "position", "num_candidates",
    *(f"{source}_{what}" for source in _SOURCES for what in ("found", "rank", "score")),
    "num_sources",
    "is_named", "is_named_at_cursor", "nearness",
    "is_imported", "is_same_language", "is_same_folder", "folder_nearness", "is_same_stem", "is_test_file",
    "is_test_of", "is_tested_by", "recency",
    "is_skeleton", "num_chars", "num_lines", "num_shared_terms", "share_of_best_shared_terms",
    "similarity", "similarity_to_best", "similarity_rank",
    "continues_tokens", "continues_rare", "holds_line_before", "holds_line_behind",
    "names_of_line", "names_before", "names_behind", "jaccard_before",
    "is_callee", "calls_callee", "is_receiver", "uses_receiver", "holds_begun_name", "is_begun_name",
    *(f"at_{kind}" for kind in KINDS),
    *(f"skeleton_at_{kind}" for kind in KINDS),
)  # fmt: skip
"""One name a column, in order."""

_FIRST_FOUND, _BEHIND_FOUND = NAMES.index(f"{_SOURCES[0]}_found"), NAMES.index("num_sources")
_FOUND_COLUMNS = {source: NAMES.index(f"{_LIKE.get(source, source)}_found") for source in SOURCES}
_FIRST_KIND, _IS_SKELETON = NAMES.index(f"at_{KINDS[0]}"), NAMES.index("is_skeleton")

_LINES_BEFORE = 4
_MOST_HEAD_TOKENS = 12
_LEAST_TELLING_LINE = 8
_TOKEN = re.compile(r"\w+|[^\w\s]")
_CALLEE = re.compile(r"([^\W\d]\w*)\s*\((?:[^()]|\([^()]*\))*$")
_RECEIVER = re.compile(r"([^\W\d]\w*)\s*(?:\.|->|::)\s*\w*$")
_BEGUN = re.compile(r"(?<![\w])([^\W\d]\w*)$")
_IMPORT = re.compile(r"\s*(?:from|import|using|use|package|#\s*include)\b")
_SMALL_CHARS = 3  # a shorter name says little by being in a text


def features(
    candidates: Sequence[Candidate], request: CompletionRequest, similarities: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Return one row a candidate, one column a name: float32 [n, len(NAMES)].

    `similarities`, float32 [n]: of each candidate's text with the request's surroundings, from the learned retriever;
    None: there is none, and all columns of it are 0.
    """
    rows = np.zeros((len(candidates), len(NAMES)), dtype=np.float32)
    if candidates:
        at_cursor = _AtCursor(request)
        among = _Among(candidates)
        for number, candidate in enumerate(candidates):
            row = rows[number]
            row[:_FIRST_FOUND] = 1.0, 1 / (1 + number), len(candidates) / 64
            for found in candidate.found:
                column, best = _FOUND_COLUMNS[found.source], among.best[found.source]
                row[column : column + 3] = 1.0, 1 / (1 + found.rank), found.score / best if best > 0 else 0.0
            row[_BEHIND_FOUND:_FIRST_KIND] = _described(candidate, at_cursor, among)
        kind = KINDS.index(at_cursor.kind)
        rows[:, _FIRST_KIND + kind] = 1.0
        rows[:, _FIRST_KIND + len(KINDS) + kind] = rows[:, _IS_SKELETON]
        if similarities is not None:
            set_similarities(rows, similarities)
    return rows


def set_similarities(rows: NDArray[np.float32], similarities: NDArray[np.float32]) -> None:
    """Fill in the columns of rows, float32 [n, len(NAMES)], that the learned retriever's similarities make; n > 0."""
    ranks = np.empty(len(rows), dtype=np.float32)
    ranks[np.argsort(-similarities, kind="stable")] = np.arange(len(rows))
    first = NAMES.index("similarity")
    rows[:, first : first + 3] = np.stack([similarities, similarities - similarities.max(), 1 / (1 + ranks)], axis=1)


class _Among:
    """What is asked of all candidates together: the best of each score."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self.best: dict[str, float] = {}
        for candidate in candidates:
            for found in candidate.found:
                self.best[found.source] = max(self.best.get(found.source, 0.0), found.score)
        self.most_shared_terms = max(1, *(candidate.num_shared_terms for candidate in candidates))


class _AtCursor:
    """The text at the cursor, taken apart once."""

    def __init__(self, request: CompletionRequest) -> None:
        around = cursor_query(request)
        head = around.line_head
        self.kind = _kind(head)
        self.heads = _heads(head)
        self.line_before = around.before[0].strip() if around.before else ""
        self.line_behind = around.after[0].strip() if around.after else ""
        self.names_of_line = _names(head)
        self.names_before = _names(*around.before[:_LINES_BEFORE])
        self.names_behind = _names(*around.after)
        self.all_names = _names(*around.by_distance)
        callee, receiver, begun = _CALLEE.search(head), _RECEIVER.search(head), _BEGUN.search(head)
        self.callee = callee[1] if callee is not None else ""
        self.receiver = receiver[1] if receiver is not None else ""
        self.plain_receiver = self.receiver.strip("_").replace("_", "").lower()
        self.begun = begun[1] if begun is not None else ""
        self.begun_word = self.begun.encode("utf-8", "replace")


def _described(candidate: Candidate, at_cursor: _AtCursor, among: _Among) -> list[float]:
    """Return the columns between what found a candidate and the kind of place."""
    text, facts = candidate.snippet.text, candidate.facts
    words = words_of(text)
    names = frozenset(words)
    num_common = len(at_cursor.all_names & names)
    distance = facts.name_distance
    num_continued, is_rare = _continued(at_cursor.heads, text)
    own_name = candidate.name.rpartition(".")[2]
    begun, receiver = at_cursor.begun, at_cursor.receiver
    return [
        len(candidate.found) / 3,
        distance is not None, distance is not None and distance <= 0,
        0.0 if distance is None else 1 / (1 + max(distance, 0)),
        facts.is_imported, facts.is_same_language, facts.folder_distance == 0, 1 / (1 + facts.folder_distance),
        facts.is_same_stem, facts.is_test_file, facts.is_test_of, facts.is_tested_by,
        0.0 if facts.recency is None else 1 / (1 + facts.recency),
        candidate.form == "skeleton", math.log1p(len(text)) / 8, math.log1p(text.count("\n")) / 4,
        candidate.num_shared_terms / 10, candidate.num_shared_terms / among.most_shared_terms,
        0.0, 0.0, 0.0,  # the similarities, if there are any
        num_continued, is_rare, _holds(text, at_cursor.line_before), _holds(text, at_cursor.line_behind),
        _share(at_cursor.names_of_line, names), _share(at_cursor.names_before, names),
        _share(at_cursor.names_behind, names),
        num_common / max(1, len(at_cursor.all_names) + len(names) - num_common),
        bool(own_name) and own_name == at_cursor.callee,
        bool(at_cursor.callee) and f"{at_cursor.callee}(" in text,
        _is_receiver(at_cursor.plain_receiver, own_name), bool(receiver) and f"{receiver}." in text,
        bool(begun) and _holds_begun(words, at_cursor.begun_word),
        bool(begun) and own_name.startswith(begun),
    ]  # fmt: skip


def _holds_begun(words: Sequence[bytes], begun: bytes) -> bool:
    """Whether any of different words goes on from what is begun. No word holds a blank."""
    joined = b" " + b" ".join(words) + b" "
    return joined.count(b" " + begun) > joined.count(b" " + begun + b" ")


def _kind(head: str) -> Kind:
    """What may come after the head of a line."""
    stripped = head.strip()
    if _IMPORT.match(head) is not None:
        return "import"
    if not stripped:
        return "line_start"
    if _RECEIVER.search(head) is not None:
        return "member"
    if _CALLEE.search(head) is not None:
        return "argument"
    if stripped.endswith(("=", ":", "return", "[", "{", "->", "=>")):
        return "value"
    return "other"


def _heads(head: str) -> tuple[tuple[str, bool], ...]:
    """Return the ends of a line's head, the longest first, and whether each holds a name."""
    starts = [found.start() for found in _TOKEN.finditer(head)][-_MOST_HEAD_TOKENS:]
    ends = [head[start:].rstrip() for start in starts]
    return tuple((end, any(len(name) >= _SMALL_CHARS for name in IDENTIFIER.findall(end))) for end in ends)


def _continued(heads: Sequence[tuple[str, bool]], text: str) -> tuple[float, float]:
    """Return how much of the line's end stands in a text too, in tokens of 12, and whether that holds a name."""
    for number, (end, has_name) in enumerate(heads):
        if end in text:
            return (len(heads) - number) / _MOST_HEAD_TOKENS, float(has_name)
    return 0.0, 0.0


def _names(*lines: str) -> frozenset[bytes]:
    names = (name for line in lines for name in IDENTIFIER.findall(line) if len(name) >= _SMALL_CHARS)
    return frozenset(name.encode("utf-8", "replace") for name in names)


def _share(wanted: frozenset[bytes], names: frozenset[bytes]) -> float:
    return len(wanted & names) / len(wanted) if wanted else 0.0


def _holds(text: str, line: str) -> float:
    return float(len(line) >= _LEAST_TELLING_LINE and line in text)


def _is_receiver(plain: str, name: str) -> float:
    """Whether a name is what a receiver is called after: `client` and HttpClient, `self._store` and Store.

    `plain` is the receiver's name in lower case and without underscores.
    """
    return float(len(plain) >= _SMALL_CHARS and bool(name) and (plain in name.lower() or name.lower() in plain))
