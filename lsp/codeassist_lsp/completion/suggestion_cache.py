"""Answers that are known already, for the very text that they were given for or for what was typed along them since.

An answer is found for exactly its text on both sides of the cursor and its conditions (document, model, settings);
whether other files still say the same is for the caller to find out, see `Entry`.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from codeassist.completion.document_state import Seen
from codeassist.document import TextEdit
from codeassist_lsp.completion.suggestions import Conditions, Suggested, Suggestion, SuggestionRequest

_MOST_ENTRIES = 64
_MOST_CLOSED = 3
Key = tuple[Conditions, bytes]
"""An answer's conditions, and the digest of its suffix."""
_CLOSER_OF = {"(": ")", "[": "]", "{": "}", '"': '"', "'": "'", "`": "`"}


@dataclass(eq=False, slots=True)
class Entry:
    """One answer. `seen` is what other files said for it, as of when they were known last to say so; mutable.

    Texts around the cursor are kept as digests: the cache stays small however large the documents are. `last_use`
    grows from use to use over all entries. An answer to a prompt that was cut (`is_hasty`) is not given again: the next
    one may be better; but once it is shown, its rest is, too.
    """

    key: Key
    num_prefix_chars: int
    prefix_digest: bytes
    num_wanted: int
    suggested: Suggested
    seen: Seen
    last_use: int = 0


@dataclass(frozen=True, slots=True)
class CachedSuggestion:
    """An entry that fits what is asked for, what was typed since, and what is left of its suggestions then.

    The entry was made for the text that `prefix` and `suffix` are.
    """

    entry: Entry
    prefix: str
    suffix: str
    typed: str
    suggestions: tuple[Suggestion, ...]


@dataclass(slots=True)
class CacheCounts:
    """What became of requests: `num_hits` were shown as they were given before, `num_along` as the rest of what was
    typed along; `num_stale` answers were dropped because of other files, `num_missed` had to be asked of the model."""

    num_hits: int = 0
    num_along: int = 0
    num_stale: int = 0
    num_missed: int = 0


@dataclass(slots=True)
class SuggestionCache:
    """The answers given last in one document; the least recently used is forgotten. Used on the event loop only."""

    counts: CacheCounts
    most_entries: int = _MOST_ENTRIES
    _num_uses: int = 0
    _entries: OrderedDict[Entry, None] = field(default_factory=OrderedDict[Entry, None])
    _by_key: dict[Key, list[Entry]] = field(default_factory=dict[Key, list[Entry]])

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, wanted: SuggestionRequest) -> CachedSuggestion | None:
        """What is known for a cursor, what was shown last if it is several things; None where nothing is.

        Several suggestions are found only where as many were asked for, at the same text.
        """
        if not self._entries:
            return None
        conditions = wanted.conditions
        candidates = [*self._exactly(conditions, wanted.prefix, wanted.suffix, wanted.num_wanted)]
        if wanted.num_wanted == 1:
            candidates += self._along(conditions, wanted.prefix, wanted.suffix)
        return max(candidates, key=lambda known: known.entry.last_use, default=None)

    def keep(self, wanted: SuggestionRequest, suggested: Suggested) -> None:
        """Remember an answer, in the place of a former one to the same question."""
        key, prefix = (wanted.conditions, _digest(wanted.suffix)), wanted.prefix
        made = Entry(key, len(prefix), _digest(prefix), wanted.num_wanted, suggested, suggested.seen)
        for other in tuple(self._by_key.get(key, ())):
            is_same_text = (other.num_prefix_chars, other.prefix_digest) == (made.num_prefix_chars, made.prefix_digest)
            if is_same_text and other.num_wanted <= made.num_wanted:
                self._remove(other)
        self._touch(made)
        self._by_key.setdefault(key, []).append(made)
        while len(self._entries) > self.most_entries:
            self._remove(next(iter(self._entries)))

    def use(self, known: CachedSuggestion) -> None:
        """Count that an entry is shown."""
        if known.entry in self._entries:
            self._touch(known.entry)
        if known.typed:
            self.counts.num_along += 1
        else:
            self.counts.num_hits += 1

    def drop_stale(self, entry: Entry) -> None:
        """Forget an entry that other files do not agree with any more."""
        self.counts.num_stale += 1
        self._remove(entry)

    def check(self) -> None:
        """Both views of the entries agree, and there are not too many."""
        assert {*self._entries} == {entry for entries in self._by_key.values() for entry in entries}
        assert all(entry.key == key for key, entries in self._by_key.items() for entry in entries)
        assert all(self._by_key.values()) and len(self._entries) <= self.most_entries

    def _exactly(self, conditions: Conditions, prefix: str, suffix: str, num_wanted: int) -> Iterator[CachedSuggestion]:
        for entry in self._by_key.get((conditions, _digest(suffix)), ()):
            is_makeshift = entry.suggested.first.trace.is_hasty
            if is_makeshift or entry.num_wanted < num_wanted or len(prefix) != entry.num_prefix_chars:
                continue
            if not _begins_with(entry, prefix):
                continue
            suggested = entry.suggested
            shown = suggested.suggestions[:num_wanted]
            if num_wanted == 1:  # what the model says first, or nothing: the others are for who asks for alternatives
                shown = tuple(each for each in suggested.suggestions if each.completion is suggested.first)
            yield CachedSuggestion(entry, prefix, suffix, "", shown)

    def _along(self, conditions: Conditions, prefix: str, suffix: str) -> Iterator[CachedSuggestion]:
        for num_closed in range(_num_closers(suffix) + 1):
            rest = suffix[num_closed:]
            for entry in self._by_key.get((conditions, _digest(rest)), ()):
                typed = prefix[entry.num_prefix_chars :]
                if not any(suggestion.at_cursor.text.startswith(typed) for suggestion in entry.suggested.suggestions):
                    continue  # most entries: nothing is to be found out about them
                rests = tuple(_rests(entry.suggested.suggestions, typed, suffix, num_closed))
                if rests and _begins_with(entry, prefix):
                    yield CachedSuggestion(entry, prefix[: entry.num_prefix_chars], rest, typed, rests[:1])

    def _touch(self, entry: Entry) -> None:
        self._num_uses += 1
        entry.last_use = self._num_uses
        self._entries[entry] = None
        self._entries.move_to_end(entry)

    def _remove(self, entry: Entry) -> None:
        if entry not in self._entries:
            return
        del self._entries[entry]
        entries = self._by_key[entry.key]
        entries.remove(entry)
        if not entries:
            del self._by_key[entry.key]


def _rests(suggestions: tuple[Suggestion, ...], typed: str, suffix: str, num_closed: int) -> Iterator[Suggestion]:
    """What is left of each suggestion that begins with what was typed and goes on after it with what is not there yet.

    An editor may have closed `num_closed` brackets that were typed: the rest then takes their place too. What it takes
    the place of stands in it, so that an editor can show it.
    """
    closed = suffix[:num_closed]
    if not typed or not _were_opened(closed, typed):
        return
    for suggestion in suggestions:
        edit = suggestion.at_cursor
        cursor, rest = edit.start_char + len(typed), edit.text[len(typed) :]
        num_replaced = edit.end_char - edit.start_char + num_closed
        replaced = suffix[:num_replaced]
        if rest != replaced and edit.text.startswith(typed) and rest and _is_within(replaced, rest):
            yield replace(suggestion, edits=(TextEdit(cursor, cursor + num_replaced, rest),))


def _were_opened(closed: str, typed: str) -> bool:
    """Whether closers can be those that an editor added to what was typed, the innermost first."""
    openers = [_CLOSER_OF[char] for char in reversed(typed) if char in _CLOSER_OF]
    return _is_within(closed, "".join(openers))


def _is_within(part: str, text: str) -> bool:
    """Whether the characters of `part` stand in `text`, in their order."""
    chars = iter(text)
    return all(char in chars for char in part)


def _num_closers(suffix: str) -> int:
    closers = _CLOSER_OF.values()
    return next((n for n, char in enumerate(suffix[:_MOST_CLOSED]) if char not in closers), len(suffix[:_MOST_CLOSED]))


def _begins_with(entry: Entry, prefix: str) -> bool:
    num_chars = entry.num_prefix_chars
    return len(prefix) >= num_chars and _digest(prefix[:num_chars]) == entry.prefix_digest


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
