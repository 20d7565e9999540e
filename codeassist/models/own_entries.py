"""`[models.NAME]` tables added to the user's config.toml. What stands there stays as it is, comments included."""

from __future__ import annotations

import json
import os
import re
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path

from codeassist.errors import SettingsError
from codeassist.models.sources import FolderSource, GgufSource, HubSource, Source

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def add_entry(config_file: Path, name: str, source: Source, extra: Mapping[str, str]) -> None:
    """Add an entry at the file's end, in one step. `extra`: further keys of it, as `template`.

    Raises SettingsError for a name that is none or taken, and where the file cannot take it.
    """
    if name == "auto" or _NAME.fullmatch(name) is None:
        raise SettingsError(f"{name}: not a model's name; use letters, digits, '-', '_' and '.' (and not \"auto\")")
    target = Path(os.path.realpath(config_file))  # a link to a file that is kept elsewhere stays one
    try:
        before = target.read_text(encoding="utf-8") if target.exists() else ""
        entries = tomllib.loads(before).get("models", {})
        if name in entries:
            raise SettingsError(f"{config_file}: has a model {name} already; change it there, or choose another name")
        after = before + _table(name, {**_fields(source), **extra}, before)
        tomllib.loads(after)
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, after)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{config_file}: cannot be added to ({error}); write the entry there by hand") from error
    except OSError as error:
        raise SettingsError(f"{config_file}: cannot be written ({error.strerror}); check its permissions") from error


def _fields(source: Source) -> dict[str, str]:
    match source:
        case GgufSource(path):
            return {"gguf": str(path)}
        case FolderSource(path):
            return {"folder": str(path)}
        case HubSource(repo, revision, file):
            given = {"hub": repo, "file": file, "revision": revision}
            return {key: value for key, value in given.items() if value is not None}
        case _:
            raise AssertionError("wheels are no models of the user's own")


def _table(name: str, fields: Mapping[str, str], before: str) -> str:
    gap = "" if not before else "\n" if before.endswith("\n") else "\n\n"
    key = name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)
    lines = "".join(f"{field} = {json.dumps(value, ensure_ascii=False)}\n" for field, value in fields.items())
    return f"{gap}[models.{key}]\n{lines}"


def _replace(target: Path, text: str) -> None:
    handle, partial = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
        if target.exists():
            Path(partial).chmod(target.stat().st_mode & 0o7777)
        Path(partial).replace(target)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
