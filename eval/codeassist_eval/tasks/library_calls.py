"""Completion tasks at calls into installed packages: before the name that is called, behind its dot, in its bracket.

A call counts as a package's where its file imports the name, or a module before the dot, from a package that is
installed; or where what stands before the dot is something else, and a package that the file imports has a member of
the name, which neither the repository nor a type of the language itself has.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from tree_sitter import Node

from codeassist_eval.errors import EvaluationError
from codeassist_eval.tasks.cursors import MIN_NAME_CHARS, Cursor, Definitions, cursors_at, identifiers_of, receiver_of
from codeassist_eval.tasks.make import Candidate, Made, draw, is_wanted, parse_all, source_texts, write_tasks
from codeassist_eval.tasks.task import Language, language_of
from codeassist_indexer.ingest.library_update import update_libraries
from codeassist_indexer.ingest.update import update_index
from codeassist_indexer.languages.forms.parsed import ParsedFile
from codeassist_indexer.languages.registry import imports_of_language, parser
from codeassist_indexer.storage.library_stores import LibrarySet, LibraryStores, libraries_folder
from codeassist_indexer.storage.library_symbols import member_names
from codeassist_indexer.storage.store import Store, database_path

_OF_THE_LANGUAGE = frozenset(
    name
    for kind in (str, bytes, bytearray, int, float, list, tuple, dict, set, object, BaseException, io.TextIOWrapper,
                 io.BytesIO, Path, datetime, logging.Logger, re.Pattern, re.Match)
    for name in dir(kind)
)  # fmt: skip


def make_library_calls(repo: Path, out: Path, cache: Path, language: Language | None, limit: int, seed: int) -> Made:
    """Draw up to `limit` tasks from the repository at `repo` into `out/tasks.jsonl`. Its packages are installed.

    `cache` holds indexes, which are brought up to date.
    """
    root = repo.resolve()
    if not root.is_dir():
        raise EvaluationError(f"{repo}: no such folder")
    store, folder = Store(database_path(root, cache)), libraries_folder(cache)
    update_index(store, root)
    update_libraries(store, root, folder)
    libraries = LibraryStores(folder).of(store)
    texts = source_texts(root)
    files = parse_all(texts)
    definitions = Definitions(files)
    own = frozenset((*definitions.top_level, *definitions.members))
    members = {library.first_number: frozenset(member_names(library.store)) for library in libraries.by_number}
    candidates = [
        Candidate(root.name, path, cursor)
        for path, text in texts.items()
        if is_wanted(path, language) and path in files
        for cursor in library_cursors(path, text, files[path], libraries, members, own)
    ]
    store.close()
    if_none = f"{repo}: no file calls an installed package; install what it needs into an environment in it"
    return write_tasks(out, draw(candidates, limit, seed), root.parent, if_none)


def library_cursors(
    path: str,
    text: str,
    parsed: ParsedFile,
    libraries: LibrarySet,
    members: Mapping[int, frozenset[str]],
    own: frozenset[str],
) -> list[Cursor]:
    """Return every cursor of `text`, in order, at the first use of a name that is called; of one line several.

    `members`: the names of members that each package has, by its `first_number`; `own`: all names that the repository
    defines.
    """
    language = language_of(path)
    imports = imports_of_language(language)
    rules = None if imports is None else imports.libraries
    if language is None or rules is None:
        return []
    bound: set[str] = set()
    offered: set[str] = set()
    for each in parsed.imports:
        found = libraries.by_module.get((rules.ecosystem, rules.package_of(each.module)), ())
        if found:
            bound.add(each.alias or each.module.rpartition(".")[2])
        for library in found:
            offered |= members[library.first_number]
    others = offered - own - _OF_THE_LANGUAGE
    source = text.encode()
    cursors: list[Cursor] = []
    seen: set[str] = set()
    for name, node in _called(source, language):
        receiver = receiver_of(source, node.start_byte)
        is_of_package = name in bound if receiver is None else receiver in bound or name in others
        if name in seen or len(name) < MIN_NAME_CHARS or name.startswith("__") or not is_of_package:
            continue
        seen.add(name)
        cursors += cursors_at(source, "name" if receiver is None else "member", name, node.start_byte, node)
        cursors += cursors_at(source, "args", name, node.end_byte + 1, node)
    return cursors


def _called(source: bytes, language: Language) -> Iterator[tuple[str, Node]]:
    for node in identifiers_of(parser(language).parse(source).root_node):
        is_called = source[node.end_byte : node.end_byte + 1] == b"("
        if is_called and not source[: node.start_byte].endswith((b"def ", b"class ", b"function ")):
            yield source[node.start_byte : node.end_byte].decode(), node
