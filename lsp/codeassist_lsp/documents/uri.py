"""The files that a client's URIs name, by the rules of the system's paths."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from pygls import IS_WIN

from codeassist_indexer.languages.registry import spec_of_id


def file_of(uri: str) -> Path | None:
    """The file that a URI names; None for what is no file (an unsaved buffer, a notebook's cell) or no path."""
    try:
        parts = urlsplit(uri)
        path = unquote(parts.path, errors="strict")
    except ValueError:
        return None
    if parts.scheme != "file" or not path.startswith("/") or "\0" in path:
        return None
    if parts.netloc and parts.netloc != "localhost":
        path = f"//{parts.netloc}{path}"
    elif IS_WIN:
        path = path.lstrip("/")
    return Path(path)


def name_of(uri: str, language_id: str) -> str:
    """A file's name for a document that is in no repository, with the extension of its language if it has none."""
    file = file_of(uri)
    name = file.name if file is not None else PurePosixPath(urlsplit(uri).path).name if _is_uri(uri) else ""
    name = name or "untitled"
    language = spec_of_id(language_id)
    if language is not None and not PurePosixPath(name).suffix:
        name += language.extensions[0]
    return name


def _is_uri(uri: str) -> bool:
    try:
        urlsplit(uri)
    except ValueError:
        return False
    return True
