"""A package's files read, parsed in worker processes, and its definitions put into a database of its own.

What is kept: what importers may use, by head and first line of documentation. What a package's name and version are is
said by whoever installed it; what its database is called follows from what its files hold, so nobody's copy of a
package speaks for another's.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from codeassist.regular_file import open_regular
from codeassist_indexer.ingest.parsers import PARSERS
from codeassist_indexer.ingest.prepare import content_hash
from codeassist_indexer.ingest.walk import FileLimits
from codeassist_indexer.languages.forms.parsed import ParsedFile, Symbol
from codeassist_indexer.languages.forms.short_heads import head_in
from codeassist_indexer.languages.forms.signatures import SIGNATURE_CHARS
from codeassist_indexer.languages.registry import LANGUAGES
from codeassist_indexer.languages.spec import is_no_private_member
from codeassist_indexer.libraries.package import InstalledPackage
from codeassist_indexer.libraries.source_jars import opened_jar
from codeassist_indexer.storage.file_records import FileState, PreparedFile
from codeassist_indexer.storage.library_symbols import OFFERED
from codeassist_indexer.storage.store import Store

MAX_FILES = 2_000
"""Of one package: a large framework has as many. Those nearest to its top come first."""
MAX_BYTES = 24 << 20
_LIMITS = FileLimits()
_KEPT_FORMAT = b"4"  # what of a file is kept; another number makes all databases anew
_CUT = "…"  # what a head ends with that is longer than an index keeps
_MOST_HEAD_BYTES = 8_000
_QUOTED = re.compile(r"[\"']([^\W\d]\w*)[\"']")
_NAME = re.compile(r"[^\w.+-]+")
_OWNERS = frozenset({"class", "interface", "enum", "struct", "trait", "module", "type"})


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file of a package as it is listed: `path` as imports spell it, `below` as it lies below the package's root."""

    path: str
    below: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file of a package with its text."""

    path: str
    text: str
    content_hash: bytes


def listed_files(package: InstalledPackage) -> list[ListedFile]:
    """Return a package's files that are read: regular ones, not too large, as many as its limits allow."""
    listed: list[ListedFile] = []
    room = MAX_BYTES
    for file in _in_archive(package) if package.is_archive else _on_disk(package):
        if file.size > min(_LIMITS.max_file_bytes, room):
            continue
        listed.append(file)
        room -= file.size
        if len(listed) == MAX_FILES:
            break
    return listed


def _on_disk(package: InstalledPackage) -> Iterator[ListedFile]:
    for path, below in package.files.items():
        try:
            status = os.lstat(package.root / below)
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode):
            yield ListedFile(path, below, status.st_size, status.st_mtime_ns)


def _in_archive(package: InstalledPackage) -> Iterator[ListedFile]:
    try:
        changed_ns = os.lstat(package.root).st_mtime_ns
    except OSError:
        return
    with opened_jar(package.root) as jar:
        for path, below in package.files.items():
            if jar is not None and below in jar.names:
                yield ListedFile(path, below, jar.size(below), changed_ns)


def listing_of(package: InstalledPackage, listed: list[ListedFile]) -> str:
    """Return what is another text as soon as one of the files is another one, without reading any."""
    digest = hashlib.blake2b(_KEPT_FORMAT, digest_size=16)
    for each in (package.label, str(package.root), *(f"{f.path}\0{f.size}\0{f.mtime_ns}" for f in listed)):
        digest.update(each.encode("utf-8", "surrogateescape") + b"\0")
    return digest.hexdigest()


def read_files(package: InstalledPackage, listed: list[ListedFile]) -> list[ReadFile]:
    """Return the text of those files that are text and were not put in another's place meanwhile."""
    if not package.is_archive:
        contents = ((each, _content(package.root / each.below, each.size)) for each in listed)
        return [read for each, content in contents if (read := _text(each.path, content)) is not None]
    with opened_jar(package.root) as jar:
        known = [each for each in listed if jar is not None and each.below in jar.names]
        contents = ((each, jar.read(each.below, each.size) if jar is not None else None) for each in known)
        return [read for each, content in contents if (read := _text(each.path, content)) is not None]


def database_name(package: InstalledPackage, files: list[ReadFile]) -> str:
    """Return what the database of exactly this content is called: a folder below the cache's `libraries`."""
    digest = hashlib.blake2b(_KEPT_FORMAT, digest_size=12)
    for file in files:
        digest.update(file.path.encode("utf-8", "surrogateescape") + b"\0" + file.content_hash)
    name, version = (_NAME.sub("-", text)[:60] for text in (package.name, package.version))
    return f"{package.ecosystem}/{name}-{version}-{digest.hexdigest()}"


def fill(store: Store, files: list[ReadFile], breathe: Callable[[], None], in_background: bool) -> None:
    """Put what the files define into an empty database, all of it or nothing.

    `breathe` is called between files, and may raise. `in_background` gives the work the least share of the cores.
    """
    parsed: list[PreparedFile] = []
    texts = ((file.path, file.text) for file in files)
    with closing(PARSERS.parse_all(texts, num_workers=1, in_background=in_background)) as found:
        for file, each in zip(files, found, strict=True):
            breathe()
            state = FileState(file.content_hash, len(file.text), None, time.time_ns(), each.skip_reason)
            kept = None if each.parsed is None else _offered(each.parsed, file.text)
            parsed.append(PreparedFile(file.path, state, kept))
    store.write(parsed)


def note_use(database: Path) -> None:
    """Say that a repository uses the database: those that none does go in the end."""
    os.utime(database)


def _content(source: Path, size: int) -> bytes | None:
    try:
        with open_regular(source) as file:
            return file.read(size)
    except OSError:
        return None


def _text(path: str, content: bytes | None) -> ReadFile | None:
    try:
        text = content.decode("utf-8-sig") if content is not None else "\0"
    except UnicodeDecodeError:
        return None
    return None if content is None or "\0" in text else ReadFile(path, text, content_hash(content))


def _offered(parsed: ParsedFile, text: str) -> ParsedFile:
    """Return what importers may use of a file, without its text."""
    imports = LANGUAGES[parsed.language].imports
    rules = None if imports is None else imports.libraries
    is_offered = is_no_private_member if rules is None else rules.is_offered
    return replace(parsed, symbols=tuple(_offered_symbols(parsed.symbols, text, is_offered)), chunks=())


def _offered_symbols(
    symbols: tuple[Symbol, ...], text: str, is_offered: Callable[[Symbol, str], bool]
) -> Iterator[Symbol]:
    source = text.encode("utf-8", "surrogatepass")
    kinds = {symbol.qualified_name: symbol.kind for symbol in symbols}
    offered = {"": ""}
    for symbol in symbols:
        # A type may stand in another file of the package than its method.
        owner = offered.get(symbol.parent, None if symbol.parent in kinds else "type")
        if owner is None or not is_offered(symbol, owner):
            continue  # inside of a function, or of what is not offered
        if symbol.kind in _OWNERS:
            offered[symbol.qualified_name] = symbol.kind
        if symbol.name == OFFERED and not symbol.parent:  # what a star takes, and what a module is there for
            listed = _QUOTED.findall(source[symbol.start_byte : symbol.end_byte].decode("utf-8", "replace"))
            symbol = replace(symbol, doc=" ".join(listed))
        yield replace(symbol, signature=_whole_head(symbol, source)) if symbol.signature.endswith(_CUT) else symbol


def _whole_head(symbol: Symbol, source: bytes) -> str:
    """Return a head that was too long with all of its parameters, without their types."""
    begin = source.find(symbol.signature[:8].encode(), symbol.start_byte, symbol.end_byte)
    if begin < 0:
        return symbol.signature
    text = source[begin : min(symbol.end_byte, begin + _MOST_HEAD_BYTES)].decode("utf-8", "replace")
    return head_in(text, SIGNATURE_CHARS) or symbol.signature
