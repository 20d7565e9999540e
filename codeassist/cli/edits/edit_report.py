"""Next edits as the command prints them: for people, as JSON, as a patch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from codeassist.edits.change import LineChange
from codeassist.edits.lines import with_changes
from codeassist.edits.patch import written_patch
from codeassist.edits.proposal import Proposal
from codeassist.edits.site import Site
from codeassist.terminal.console import say


def as_document(proposals: Sequence[Proposal], why_none: str, uncertain: Sequence[Site]) -> dict[str, Any]:
    """The object that `--json` prints: lines from 0, half-open, paths relative to the repository.

    Where there are no edits it holds why not, and the places that may have to change all the same.
    """
    none = not proposals
    return {
        "edits": [
            {
                "path": each.change.path,
                "start_line": each.change.start_line,
                "end_line": each.change.start_line + len(each.change.old),
                "old": list(each.change.old),
                "new": list(each.change.new),
                "reason": each.site.reason,
                "confidence": round(each.confidence, 3),
                "source": each.source,
            }
            for each in proposals
        ],
        "why_none": why_none if none else None,
        "uncertain": [
            {"path": site.path, "line": site.start_line, "reason": site.reason}
            for site in _in_order(uncertain if none else ())
        ],
    }


def as_patch(proposals: Sequence[Proposal], texts: Mapping[str, str]) -> str:
    """A patch that makes all of the edits. `texts`: the files as they are on disk."""
    by_path: defaultdict[str, list[LineChange]] = defaultdict(list)
    for proposal in proposals:
        by_path[proposal.change.path].append(proposal.change)
    return written_patch({path: (texts[path], with_changes(texts[path], made)) for path, made in by_path.items()})


def print_edits(proposals: Sequence[Proposal]) -> None:
    """Print each edit as a small diff under its place and its reason."""
    for number, proposal in enumerate(proposals):
        change = proposal.change
        if number:
            say()
        say(
            f"  {proposal.site.reason} ({proposal.source}, {proposal.confidence:.2f})",
            label=f"{change.path}:{change.start_line + 1}",
        )
        for line in change.old:
            say(label=f"- {line}", colour="red")
        for line in change.new:
            say(label=f"+ {line}", colour="green")


def print_uncertain(sites: Sequence[Site]) -> None:
    """Print the places that may have to change, where nobody knows how."""
    if sites:
        say("these places may have to change all the same:")
    for site in _in_order(sites):
        say(f"  {site.reason}", label=f"{site.path}:{site.start_line + 1}")


def _in_order(sites: Sequence[Site]) -> list[Site]:
    return sorted(sites, key=lambda site: (site.path, site.start_line))
