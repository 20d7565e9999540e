"""The texts of a repository's files as they stand on disk, where an edit may be proposed: never of others.

Ignored files, files of keys, generated and minified ones, links and what lies behind them have no text here.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path

from codeassist.regular_file import open_regular
from codeassist_indexer.ingest.git_answers import GitPatience
from codeassist_indexer.ingest.ignore import IgnoreRules
from codeassist_indexer.ingest.walk import FileLimits, FoundFile, NotSource, decode_source, inspect
from codeassist_indexer.languages.registry import language_of
from codeassist_indexer.secrets.file_names import secret_file_reason
from codeassist_indexer.secrets.redaction import redact

_LIMITS = FileLimits()


class SourceFiles:
    """Reads files of the repository at `root` by their paths there, which may be anybody's. For one thread.

    `exclude`: index.exclude. Raises SettingsError for a pattern that is none.
    """

    def __init__(self, root: Path, exclude: Sequence[str] = ()) -> None:
        self.root = root.resolve()
        self._exclude = tuple(exclude)
        self._git = GitPatience()

    def read(self, paths: Collection[str]) -> dict[str, str]:
        """Return the text of each path that has one, line ends as they are; a byte order mark stays."""
        texts: dict[str, str] = {}
        for path in self.counted(paths):
            if isinstance(inspect(self.root, path, _is_source, _LIMITS), FoundFile):
                text = self._text(path)
                if text is not None:
                    texts[path] = text
        return texts

    def counted(self, paths: Collection[str]) -> list[str]:
        """Return the paths that no rule leaves out, whether there is such a file or not."""
        inside = [path for path in paths if _is_inside(self.root, path) and secret_file_reason(path) is None]
        rules = IgnoreRules(self.root, self._exclude, self._git.about_paths(self.root, inside) if inside else None)
        return [path for path in inside if not rules.ignores_file(path)]

    def _text(self, path: str) -> str | None:
        try:
            with open_regular(self.root / path) as file:
                content = file.read(_LIMITS.max_file_bytes + 1)
        except OSError:  # gone, or no regular file any more
            return None
        if len(content) > _LIMITS.max_file_bytes or isinstance(decode_source(content), NotSource):
            return None
        return content.decode("utf-8")


def without_secrets(path: str, text: str) -> str:
    """The text as a history holds it: keys and passwords are asterisks."""
    return redact(text, path).text


def _is_source(path: str) -> bool:
    return language_of(path) is not None


def _is_inside(root: Path, path: str) -> bool:
    """Whether a path names a place below the root with no link on the way."""
    parts = path.split("/")
    if "\0" in path or "\\" in path or any(part in ("", ".", "..") for part in parts):
        return False
    try:
        folder = (root / path).parent
        return Path(os.path.realpath(folder)) == folder
    except (OSError, ValueError):
        return False
