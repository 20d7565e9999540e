"""What it means for the index that a path has changed: of a file, a folder, ignore rules, or git's own files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from codeassist_indexer.ingest.checkouts import checkout_of, common_folder, git_folder
from codeassist_indexer.ingest.ignore import ALWAYS_IGNORED, IGNORE_FILE_NAMES
from codeassist_indexer.languages.registry import language_of


class Meaning(Enum):
    """What to look at."""

    FILE = "one file"
    FOLDER = "all files of a folder"
    RULES = "the whole tree: other files may be ignored than before"
    TRACKED = "what git tracks: it may be other files than before"


@dataclass(frozen=True, slots=True)
class ChangedPath:
    """A changed path, relative to the root; as it is where it lies outside."""

    path: str
    meaning: Meaning


def meaning_of(path: str, is_folder: bool) -> Meaning | None:
    """Say what a change of a path in the tree means, None for nothing."""
    above, _, name = path.rpartition("/")
    folders = above.split("/") if above else []
    if name == ".git":
        return Meaning.RULES  # a repository of its own begins or ends here
    if ".git" in folders:
        inside = folders[folders.index(".git") + 1 :]
        if name == "index" and not is_folder:
            return Meaning.TRACKED if folders == [".git"] else Meaning.RULES if _is_repository(inside) else None
        is_excludes = (name == "info" and is_folder and _is_repository(inside)) or (
            name == "exclude" and inside[-1:] == ["info"] and _is_repository(inside[:-1])
        )
        return Meaning.RULES if is_excludes else None
    if name in IGNORE_FILE_NAMES:
        return Meaning.RULES
    if not ALWAYS_IGNORED.isdisjoint((*folders, name)):
        return None
    if is_folder:
        return Meaning.FOLDER
    return Meaning.FILE if language_of(path) is not None else None


def meanings_outside(root: Path) -> Mapping[str, Meaning]:
    """Return what files outside the tree mean for it: of a linked worktree's repository, of the checkout around it."""
    top = checkout_of(root)
    git = git_folder(top) if top is not None else None
    if top is None or git is None or git == root / ".git":
        return {}
    around = [folder for folder in root.parents if folder.is_relative_to(top)]
    rules = [common_folder(git) / "info" / "exclude", *(folder / ".gitignore" for folder in around)]
    return {**{str(path): Meaning.RULES for path in rules}, str(git / "index"): Meaning.TRACKED}


def _is_repository(inside: list[str]) -> bool:
    """Say whether a folder in `.git` is where a repository stands: itself, or a submodule's."""
    return not inside or inside[0] in ("modules", "worktrees")
