"""Files in which a repository says what its projects are called and need: found, and read as a stranger's.

Regular files, never through a link, of bounded size and depth; what cannot be read says nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from codeassist.errors import SettingsError
from codeassist.json_object import parse_json
from codeassist.regular_file import open_regular
from codeassist.settings.toml_file import parse_toml
from codeassist_indexer.languages.forms.words import words

_MOST_BYTES = 4 << 20  # of a lock file
_MOST_TOML_BYTES = 256 << 10
_MOST_FOLDERS = 4_000
_MOST_FILES = 400
_MOST_DEPTH = 5
_MOST_PATH_CHARS = 1_000
# Other people's code, and what tools made.
_NOT_OURS = words("node_modules vendor target build dist out bin obj testdata __pycache__ venv env")
_STRING = r'"(?:[^"\\\n]|\\.)*+"?'  # one that is not closed too: no character is looked at twice
_COMMENT = re.compile(rf"{_STRING}|//[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?", re.DOTALL)
_COMMA = re.compile(rf"{_STRING}|,(?=\s*+[\]}}])", re.DOTALL)


def manifests(root: Path, names: Collection[str] = (), extensions: tuple[str, ...] = ()) -> list[Path]:
    """Return the files of these names, or with these ends, in a repository: those nearest to its top first."""
    found: list[Path] = []
    pending = [(root, 0)]
    num_left = _MOST_FOLDERS
    while pending and num_left > 0 and len(found) < _MOST_FILES:
        folder, depth = pending.pop(0)
        num_left -= 1
        try:
            with os.scandir(folder) as scan:
                entries = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in scan)
        except OSError:
            continue
        for name, is_folder in entries:
            if is_folder:
                if depth < _MOST_DEPTH and not name.startswith(".") and name not in _NOT_OURS:
                    pending.append((folder / name, depth + 1))
            elif name in names or (extensions and name.endswith(extensions)):
                found.append(folder / name)
    return found[:_MOST_FILES]


def text_of(path: Path) -> str:
    """Return a file's text; "" where there is none that may be read."""
    try:
        with open_regular(path) as file:
            content = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError):  # ValueError: a name that no file can have
        return ""
    return content.decode("utf-8-sig", "replace") if len(content) <= _MOST_BYTES else ""


def toml_of(path: Path) -> Mapping[str, Any]:
    """Return what a TOML file holds; nothing where it is none, or too large."""
    text = text_of(path)
    try:
        return parse_toml(path, text) if len(text) <= _MOST_TOML_BYTES else {}
    except SettingsError:
        return {}


def json_of(path: Path) -> Mapping[str, Any]:
    """Return the object that a JSON file holds, comments and trailing commas left out; nothing where it is none."""
    text = text_of(path)
    try:
        return table(parse_json(text))
    except ValueError:
        pass  # it may be one with comments
    try:
        return table(parse_json(_without(_COMMA, _without(_COMMENT, text))))
    except ValueError:
        return {}


def table(value: object) -> Mapping[str, Any]:
    """Return a value that is a table, else an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def texts(value: object) -> list[str]:
    """Return the texts in a value that is a list, or is one itself."""
    if isinstance(value, str):
        return [value]
    return [each for each in cast("list[object]", value) if isinstance(each, str)] if isinstance(value, list) else []


def path_named(folder: Path, written: str) -> Path | None:
    """Return the path that a file in `folder` names, without looking at the disk; None for what is none."""
    if not written or "\0" in written or len(written) > _MOST_PATH_CHARS:
        return None
    return Path(os.path.normpath(folder / written.replace("\\", "/")))


def inside(root: Path, path: Path) -> str | None:
    """Return a path of the repository as its index writes it, "" for the root; None for a path outside of it."""
    if not path.is_relative_to(root):
        return None
    below = path.relative_to(root).as_posix()
    return "" if below == "." else below


def changed(paths: Collection[Path]) -> Iterator[str]:
    """Yield a line for each path that is another one as soon as it changes, comes or goes."""
    for path in paths:
        try:
            yield f"{path} {path.stat().st_mtime_ns}"
        except (OSError, ValueError):
            yield f"{path} -"


def _without(piece: re.Pattern[str], text: str) -> str:
    return piece.sub(lambda match: match[0] if match[0].startswith('"') else "", text)
