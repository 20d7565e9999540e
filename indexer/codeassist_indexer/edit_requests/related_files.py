"""Files in which something may have to change after some edits: those that name what the edits changed.

Names that went or came count most, then those of the definition that was edited; a rare name counts more.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from codeassist.edits.change import LineChange
from codeassist.edits.lines import lines_of
from codeassist_indexer.languages.registry import language_of
from codeassist_indexer.storage.chunk_reader import chunks_with, paths_of_chunks
from codeassist_indexer.storage.lexical import identifier_tokens, keywords_of
from codeassist_indexer.storage.store import Store

MOST_FILES = 24
_MOST_NAMES = 40
_MOST_CHUNKS = 400  # a name in more of them is everywhere
_MOST_HEADER_LINES = 60
_NAME = re.compile(r"\b[^\W\d]\w*")
_CHANGED, _EDITED, _AROUND = 4.0, 2.0, 1.0


def related_files(
    store: Store, history: Sequence[LineChange], texts: Mapping[str, str], limit: int = MOST_FILES
) -> list[str]:
    """Return the indexed files other than those of `texts` that name what the history changed, the likeliest first.

    `texts` holds the files that the history names, as they stand.
    """
    worth = changed_names(history, texts)
    num_chunks = store.collection().num_chunks
    score_by_path: defaultdict[str, float] = defaultdict(float)
    for name in sorted(worth, key=lambda each: (-worth[each], each))[:_MOST_NAMES]:
        tokens = identifier_tokens(name)
        chunks = chunks_with(store, tokens[0]) if tokens else ()
        if not 0 < len(chunks) <= _MOST_CHUNKS:
            continue
        rarity = math.log(1 + max(num_chunks, len(chunks)) / len(chunks))
        for path in paths_of_chunks(store, [int(chunk) for chunk in chunks]):
            score_by_path[path] += worth[name] * rarity
    edited = [change.path for change in history]
    near = {path.rpartition("/")[0] for path in edited}
    found = [path for path in score_by_path if path not in texts and path not in edited]
    return sorted(found, key=lambda path: (-score_by_path[path], path.rpartition("/")[0] not in near, path))[:limit]


def changed_names(history: Sequence[LineChange], texts: Mapping[str, str]) -> dict[str, float]:
    """Return the names that the changes are about, each with how much it says: later changes say more."""
    worth: dict[str, float] = {}
    for age, change in enumerate(reversed(history)):
        weight = 1 / (1 + age / 4)
        old, new = (Counter(_NAME.findall("\n".join(lines))) for lines in (change.old, change.new))
        keywords = keywords_of(language_of(change.path) or "")
        differing = set((old - new) + (new - old))
        for names, own in (
            (differing, _CHANGED),
            ({*old, *new} - differing, _EDITED),
            (_header(change, texts), _AROUND),
        ):
            for name in names - keywords:
                worth[name] = max(worth.get(name, 0.0), own * weight)
    return worth


def _header(change: LineChange, texts: Mapping[str, str]) -> set[str]:
    """The names on the line that the changed ones stand below: a definition whose parameters are a line each."""
    lines = lines_of(texts.get(change.path, ""))
    start = min(change.start_line, len(lines))
    first = next((line for line in (*change.new, *change.old) if line.strip()), "")
    indentation = len(first) - len(first.lstrip())
    for line in reversed(lines[max(0, start - _MOST_HEADER_LINES) : start]):
        if line.strip() and len(line) - len(line.lstrip()) < indentation:
            return set(_NAME.findall(line))
    return set()
