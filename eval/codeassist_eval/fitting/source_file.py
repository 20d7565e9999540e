"""The files that places are drawn from, by language, and what in them is comment or string.

A language is told by the file's name, as Pygments tells it: also those that the index has no grammar for.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from pygments import lexers
from pygments.lexer import Lexer
from pygments.token import Comment, String
from pygments.util import ClassNotFound

from codeassist.errors import SettingsError

_MIN_CHARS, _MAX_CHARS = 200, 60_000
_MOST_FILES = 200
_BY_EXTENSION = {
    ".py": "python", ".js": "javascript", ".mjs": "javascript", ".cjs": "javascript", ".jsx": "javascript",
    ".ts": "typescript", ".tsx": "tsx", ".java": "java", ".c": "c", ".h": "c", ".cpp": "cpp", ".cc": "cpp",
    ".hpp": "cpp", ".cs": "csharp", ".go": "go", ".rs": "rust", ".php": "php", ".kt": "kotlin", ".kts": "kotlin",
    ".swift": "swift", ".rb": "ruby", ".lua": "lua", ".sh": "shell", ".bash": "shell", ".sql": "sql", ".html": "html",
    ".htm": "html", ".css": "css", ".scss": "scss", ".less": "less", ".vue": "vue", ".svelte": "svelte",
    ".yaml": "yaml", ".yml": "yaml", ".json": "json", ".toml": "toml", ".tf": "terraform", ".mk": "makefile",
    ".xml": "xml", ".scala": "scala", ".dart": "dart", ".groovy": "groovy", ".gradle": "groovy",
}  # fmt: skip
_BY_NAME = {"Dockerfile": "dockerfile", "Makefile": "makefile", "GNUmakefile": "makefile", "Rakefile": "ruby"}
# What Pygments has no lexer for, read by one of a language that it is like.
_READ_AS = {"vue": "html", "svelte": "html", "tsx": "typescript", "shell": "bash"}


@dataclass(frozen=True)
class SourceFile:
    """A file's path below the folder, its language and its text, with "\\n" as line end."""

    path: str
    language: str
    text: str

    def token_kind(self, char_offset: int) -> str | None:
        """ "string" or "comment" where the character stands in one; None in code."""
        starts, kinds = self._tokens
        return kinds[bisect_right(starts, char_offset) - 1]

    @cached_property
    def _tokens(self) -> tuple[list[int], list[str | None]]:
        starts: list[int] = [0]
        kinds: list[str | None] = [None]
        for start, kind, _ in _lexer(self.language).get_tokens_unprocessed(self.text):
            starts.append(start)
            is_string = kind in String and kind not in String.Affix
            kinds.append("comment" if kind in Comment else "string" if is_string else None)
        return starts, kinds


def language_by_name(path: str) -> str | None:
    """The language of a file by its name, or None where it is none that fitting is measured in."""
    name = PurePosixPath(path).name
    if name.startswith("Dockerfile"):
        return "dockerfile"
    return _BY_NAME.get(name) or _BY_EXTENSION.get(PurePosixPath(path).suffix.lower())


def read_source_files(folder: Path, rng: random.Random) -> dict[str, list[SourceFile]]:
    """Some readable files of the folder for each language. Raises SettingsError where there are none."""
    found: dict[str, list[SourceFile]] = {}
    paths = [path for path in sorted(folder.rglob("*")) if language_by_name(path.name) is not None and path.is_file()]
    rng.shuffle(paths)
    for path in paths:
        language = language_by_name(path.name) or ""
        of_language = found.setdefault(language, [])
        if len(of_language) >= _MOST_FILES or not _MIN_CHARS <= path.stat().st_size <= _MAX_CHARS:
            continue
        text = path.read_text("utf-8", errors="replace").replace("\r\n", "\n")
        if "\0" not in text and max(len(line) for line in text.split("\n")) < 1_000:  # no data, nothing minified
            of_language.append(SourceFile(path.relative_to(folder).as_posix(), language, text))
    known = {language: files for language, files in sorted(found.items()) if files}
    if not known:
        raise SettingsError(
            f"{folder} holds no source file between {_MIN_CHARS} and {_MAX_CHARS} bytes in a language known by name"
        )
    return known


def _lexer(language: str) -> Lexer:
    try:
        return lexers.get_lexer_by_name(_READ_AS.get(language, language))
    except ClassNotFound:
        return lexers.get_lexer_by_name("text")
