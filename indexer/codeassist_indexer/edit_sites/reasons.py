"""Why a line may have to change, in words for people.

Values in, a source and a sentence out.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from codeassist.edits.proposals.replacement import NAME, fits
from codeassist.edits.site import SiteSource
from codeassist_indexer.edit_sites.columns.syntax import changed_heads
from codeassist_indexer.edit_sites.definitions import FileDefinitions
from codeassist_indexer.edit_sites.features import value_of
from codeassist_indexer.edit_sites.line_table import Floats
from codeassist_indexer.edit_sites.past_changes import PastChanges

_MOST_CHARS = 40
_LIKE, _LIKE_SHAPE, _LIKE_PLACE = 0.5, 0.7, 1.0


@dataclass(frozen=True, slots=True)
class Why:
    """A site's source and its reason for people. `puts_in`: the site is the place behind the line, for new ones."""

    source: SiteSource
    reason: str
    puts_in: bool = False


@dataclass(frozen=True, slots=True)
class Reasons:
    """Finds the reason for a line: what was done, prepared once for all lines."""

    past: PastChanges
    heads: frozenset[str]

    @classmethod
    def of(cls, past: PastChanges, definitions: Mapping[str, FileDefinitions]) -> Reasons:
        """Prepare what lines are held against."""
        return cls(past, frozenset(changed_heads(past, definitions)))

    def reason(self, lines: Sequence[str], row: Floats) -> Why:
        """Return why some lines may have to change, by the features of the likeliest of them."""
        past = self.past
        here = dict.fromkeys(NAME.findall("\n".join(lines)))
        used = _first(here, self.heads)
        if used is not None and not _is(row, "is_head"):
            verb = "calls" if _is(row, "calls_changed_head") else "uses"
            return Why("use", f"{verb} `{used}`, which was changed")
        made = next((each for each in past.replacements if any(any(fits(each, line)) for line in lines)), None)
        gone, came, kept = _first(here, past.gone), _first(here, past.came), _first(here, past.stayed)
        if made is not None and made.is_rename:
            return Why("name", f"still says `{_short(made.old[0])}`, which became `{_short(made.new[0])}`")
        if made is not None and made.old and made.new:
            return Why("shape", f"`{_short(' '.join(made.old))}` became `{_short(made.text)}` elsewhere")
        if gone is not None:
            return Why("name", f"still uses `{gone}`, which was taken out")
        if _is(row, "is_import") and past.came:
            return Why("import", f"imports stand here, and `{_short(next(iter(past.came)))}` is new")
        if came is not None:
            return Why("use", f"uses `{came}`, which is new")
        if made is not None or value_of(row, "like_old") > _LIKE or value_of(row, "bigrams_old") > _LIKE_SHAPE:
            return Why("shape", "is like a line that was changed")
        if _is(row, "sorted_gap") or value_of(row, "context_both") > _LIKE_PLACE:
            return Why("group", "a place like that of the last edit")
        return (
            Why("name", f"names `{kept}`, as the last edits did")
            if kept is not None
            else Why("near", "near the last edit")
        )


def _first(names: Iterable[str], among: Container[str]) -> str | None:
    return next((_short(name) for name in names if name in among), None)


def _short(text: str) -> str:
    return text if len(text) <= _MOST_CHARS else text[: _MOST_CHARS - 1] + "…"


def _is(row: Floats, name: str) -> bool:
    return value_of(row, name) > 0
