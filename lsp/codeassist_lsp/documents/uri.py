"""The files that a client's URIs name, by the rules of the system's paths."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from pygls import IS_WIN

from codeassist_indexer.languages.client_ids import extension_of


def file_of(uri: str) -> Path | None:
    """The file that a URI names; None for what is no file (an unsaved buffer, a notebook's cell) or no path."""
    return _path_in(uri, "file")


def planned_file_of(uri: str) -> Path | None:
    """The file that an unsaved document will be, where that has been said; None for any other document."""
    return _path_in(uri, "untitled")


def is_unnamed(uri: str) -> bool:
    """Whether a document has no file, and nobody has said yet where it will have one."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    return parts.scheme == "untitled" and not parts.path.startswith("/")


def notebook_of(uri: str) -> str | None:
    """The URI of the notebook's file that a cell's URI names, as VS Code writes it; None for any other document."""
    path = _path_in(uri, "vscode-notebook-cell")
    return None if path is None else path.as_uri()


def _path_in(uri: str, scheme: str) -> Path | None:
    """The path in a URI of this scheme; None in others, and where there is none."""
    try:
        parts = urlsplit(uri)
        path = unquote(parts.path, errors="strict")
    except ValueError:
        return None
    if parts.scheme != scheme or not path.startswith("/") or "\0" in path:
        return None
    if parts.netloc and parts.netloc != "localhost":
        path = f"//{parts.netloc}{path}"
    elif IS_WIN:
        path = path.lstrip("/")
    return Path(path)


def name_of(uri: str, language: str | None) -> str:
    """A file's name for a document that is in no repository, with the extension of its language if it has none."""
    file = file_of(uri)
    name = file.name if file is not None else PurePosixPath(urlsplit(uri).path).name if _is_uri(uri) else ""
    name = name or "untitled"
    return name if PurePosixPath(name).suffix else name + extension_of(language)


def _is_uri(uri: str) -> bool:
    try:
        urlsplit(uri)
    except ValueError:
        return False
    return True
