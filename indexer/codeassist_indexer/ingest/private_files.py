"""Which files' own text stays on this machine although their repository's may leave it.

A cursor can stand in files that no index has: in what git ignores, in files of keys, behind a link. Their text goes
nowhere. It says why a request stays.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from codeassist.request import CompletionRequest
from codeassist_indexer.ingest.git_answers import GitPatience
from codeassist_indexer.ingest.ignore import IgnoreRules
from codeassist_indexer.secrets.file_names import secret_file_reason

_KNOWN_FOR_S = 2.0  # git is asked again as often: between two keys its answer stands
_MOST_KNOWN = 1_000


class PrivateFiles:
    """Knows which files' text stays here. For one thread at a time; what git said is remembered for a moment.

    `folders` are those that the user named (remote.repositories): one inside of the repository that holds an ignored
    file is the user's word for it. `exclude`: index.exclude. Files of keys and links out of the repository always stay.
    """

    def __init__(self, folders: Sequence[str], exclude: Sequence[str]) -> None:
        self._named = tuple(Path(folder).resolve() for folder in folders if folder != "*")
        self._exclude = tuple(exclude)
        self._git = GitPatience()
        self._known: dict[tuple[Path, str], tuple[float, bool]] = {}

    def why(self, request: CompletionRequest) -> str | None:
        """Say why the request's file stays here, None where it may go."""
        secret = secret_file_reason(request.path)
        if secret is not None or request.root is None:
            return secret
        root = Path(request.root).resolve()
        try:
            target = (root / request.path).resolve()
        except (OSError, RuntimeError, ValueError):  # links in a circle (RuntimeError before Python 3.13), a NUL
            return "the file is a link in a circle"
        if not target.is_relative_to(root):
            return "the file is a link out of its repository"
        behind_link = target.relative_to(root).as_posix()
        secret = secret_file_reason(behind_link)
        if secret is not None:
            return secret
        if not self._is_ignored(root, request.path, behind_link) or self._is_named(root, target):
            return None
        return (
            "the file is ignored (by git, .codeassistignore or index.exclude); name its folder in remote.repositories"
        )

    def _is_named(self, root: Path, target: Path) -> bool:
        inside = [folder for folder in self._named if folder != root and folder.is_relative_to(root)]
        return any(target.is_relative_to(folder) for folder in inside)

    def _is_ignored(self, root: Path, path: str, behind_link: str) -> bool:
        now = time.monotonic()
        until, is_ignored = self._known.get((root, path), (0.0, False))
        if now >= until:
            paths = {path, behind_link}
            rules = IgnoreRules(root, self._exclude, self._git.about_paths(root, paths))
            is_ignored = any(map(rules.ignores_file, paths))
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[root, path] = now + _KNOWN_FOR_S, is_ignored
        return is_ignored
