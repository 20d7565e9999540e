"""Where a cursor stands, in the terms of everything behind this package: a path and the text on both sides.

Knows no connection and no model. Pure but for the file system's rules on paths.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from pygls import IS_WIN

from codeassist.document import Document
from codeassist_indexer.languages.registry import spec_of_id
from codeassist_lsp.documents.convert import well_formed, with_newlines


@dataclass(frozen=True, slots=True)
class Selected:
    """The entry that the client's list of completions has selected: `text` would replace [start_char, end_char)."""

    start_char: int
    end_char: int
    text: str


@dataclass(frozen=True, slots=True)
class CursorContext:
    """The text before and behind a cursor, line ends "\\n".

    What is suggested there goes in the place of the document's [start_char, end_char), behind `repeated`.
    """

    prefix: str
    suffix: str
    start_char: int
    end_char: int
    repeated: str = ""


def cursor_context_at(document: Document, cursor_char: int, selected: Selected | None) -> CursorContext:
    """The place of a cursor. With a selected entry it is the one that accepting the entry leads to."""
    text = document.text
    start, end, repeated = cursor_char, cursor_char, ""
    if selected is not None and selected.start_char <= cursor_char <= selected.end_char:
        start, end, repeated = selected.start_char, selected.end_char, selected.text
    prefix, suffix = with_newlines(text[:start] + repeated), with_newlines(text[end:])
    return CursorContext(well_formed(prefix), well_formed(suffix), start, end, repeated)


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
