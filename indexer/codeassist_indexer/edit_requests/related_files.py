"""Files in which something may have to change after some edits: those that changed together with the edited files
before, and those that name what the edits changed.

Names that went or came count most, then those of the definition that was edited; a rare name counts more.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain, zip_longest

from codeassist.edits.change import LineChange
from codeassist.edits.lines import lines_of
from codeassist_indexer.edit_requests.commit_history import NOTHING_COMMITTED, CommittedTogether
from codeassist_indexer.languages.registry import language_of
from codeassist_indexer.storage.chunk_reader import chunks_with, paths_of_chunks, stored_files
from codeassist_indexer.storage.lexical import identifier_tokens, keywords_of
from codeassist_indexer.storage.store import Store

MOST_FILES = 24
_MOST_NAMES = 40
_MOST_CHUNKS = 400  # a name in more of them is everywhere
_MOST_HEADER_LINES = 60
_MOST_COMMITTED = 100
_NAME = re.compile(r"\b[^\W\d]\w*")
_CHANGED, _EDITED, _AROUND = 4.0, 2.0, 1.0


def related_files(
    store: Store,
    history: Sequence[LineChange],
    texts: Mapping[str, str],
    committed: CommittedTogether = NOTHING_COMMITTED,
    limit: int = MOST_FILES,
) -> list[str]:
    """Return indexed files other than those of `texts` that may have to follow what the history changed, the likeliest
    first: by turns one that was `committed` with the edited files and one that names what was changed.

    `texts` holds the files that the history names, as they stand.
    """
    edited = {change.path for change in history}
    naming = [path for path in _naming_files(store, history, texts) if path not in texts and path not in edited]
    place = {path: number for number, path in enumerate(naming)}
    num_commits = committed.with_files(edited)
    by_commits = sorted(num_commits, key=lambda path: (-num_commits[path], place.get(path, len(place)), path))
    by_commits = [path for path in by_commits if path not in texts][:_MOST_COMMITTED]
    indexed = stored_files(store, by_commits)
    together = [path for number, path in enumerate(by_commits) if number in indexed]
    by_turns = chain.from_iterable(zip_longest(together, naming))
    return list(dict.fromkeys(path for path in by_turns if path is not None))[:limit]


def _naming_files(store: Store, history: Sequence[LineChange], texts: Mapping[str, str]) -> list[str]:
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
    near = {change.path.rpartition("/")[0] for change in history}
    return sorted(score_by_path, key=lambda path: (-score_by_path[path], path.rpartition("/")[0] not in near, path))


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
