"""How much of a repository an index holds, folder by folder, for people."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

from codeassist_indexer.storage.store import Store


@dataclass(slots=True)
class FolderCoverage:
    """A folder with all below it, "" being the repository's own: its files, those of them that are searched, their
    bytes, and the others by the reason for which they are left out.

    `is_rest`: without those of its folders that are told of by themselves.
    """

    folder: str
    num_files: int = 0
    num_indexed: int = 0
    num_bytes: int = 0
    skipped_by_reason: dict[str, int] = field(default_factory=dict[str, int])
    is_rest: bool = False


def folder_coverage(store: Store, most: int) -> list[FolderCoverage]:
    """Return the folders that together hold all files, the largest first: the outermost, and where there is room for
    it among `most` those with the most files by their own folders."""
    rows = store.query("SELECT folder, skip_reason, count(*), sum(size) FROM files GROUP BY 1, 2")
    below: defaultdict[str, set[str]] = defaultdict(set)
    totals: Counter[str] = Counter()
    for folder, _, num_files, _ in rows:
        for parent, child in _steps(folder):
            below[parent].add(child)
            totals[child] += num_files
        totals[""] += num_files
    opened, shown = {""}, {"", *below[""]}
    while fitting := [each for each in shown - opened if below[each] and len(shown) + len(below[each]) <= most]:
        widest = max(fitting, key=lambda each: (totals[each], each))
        opened.add(widest)
        shown |= below[widest]
    found: dict[str, FolderCoverage] = {}
    for folder, reason, num_files, num_bytes in rows:
        place = next(each for each in (folder, *reversed([parent for parent, _ in _steps(folder)])) if each in shown)
        coverage = found.setdefault(place, FolderCoverage(place, is_rest=place in opened))
        coverage.num_files += num_files
        coverage.num_bytes += num_bytes or 0
        if reason is None:
            coverage.num_indexed += num_files
        else:
            coverage.skipped_by_reason[reason] = coverage.skipped_by_reason.get(reason, 0) + num_files
    return sorted(found.values(), key=lambda each: (-each.num_files, each.folder))


def _steps(folder: str) -> list[tuple[str, str]]:
    """The way from the repository to a folder: pairs of a folder and the one in it."""
    names = folder.split("/") if folder else []
    paths = ["/".join(names[:depth]) for depth in range(len(names) + 1)]
    return list(pairwise(paths))
