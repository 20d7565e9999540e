"""The languages, found in the folders code/ and markup/: which file is of which, its grammar and parser.

A module of these folders with a LANGUAGE is one.
"""

from __future__ import annotations

import re
import threading
from functools import cache
from importlib import import_module
from pathlib import PurePosixPath
from pkgutil import iter_modules

from tree_sitter import Language, Parser

from codeassist.request import CompletionRequest
from codeassist_indexer.languages import code, markup
from codeassist_indexer.languages.forms.indexed_paths import IndexedPaths
from codeassist_indexer.languages.forms.parsed import Import
from codeassist_indexer.languages.spec import (
    Analysis,
    Blocks,
    DeclaredTypes,
    Imports,
    LanguageSpec,
    SharedExtension,
)

IDENTIFIER = re.compile(r"[^\W\d]\w*")
"""An identifier as all languages write it, in any script (`$` of JavaScript is left out: it is rare in names)."""

HEADER_SNIFF_CHARS = 20_000
"""How much of a file is looked at to tell whose a shared extension is: licence texts can be long."""


def _found() -> dict[str, LanguageSpec]:
    found = [each.name for folder in (code, markup) for each in iter_modules(folder.__path__, f"{folder.__name__}.")]
    modules = [import_module(name) for name in sorted(found)]
    specs = [spec for module in modules if isinstance(spec := getattr(module, "LANGUAGE", None), LanguageSpec)]
    return {spec.name: spec for spec in specs}


LANGUAGES = _found()
"""All languages by their names."""

ANALYSED = frozenset(name for name, spec in LANGUAGES.items() if spec.analysis is not None)
"""The languages in which the analysis finds places and names."""

_BY_EXTENSION = {extension: spec.name for spec in LANGUAGES.values() for extension in spec.extensions}
_BY_EXACT_EXTENSION = {each: spec.name for spec in LANGUAGES.values() for each in spec.exact_extensions}
_BY_FILE_NAME = {each: spec.name for spec in LANGUAGES.values() for each in spec.file_names}
_SHARED: dict[str, list[tuple[str, SharedExtension]]] = {}
for _spec in LANGUAGES.values():
    for _shared in _spec.shared_extensions:
        _SHARED.setdefault(_shared.extension, []).append((_spec.name, _shared))
_BY_ID = {each: spec for spec in LANGUAGES.values() for each in (spec.name, *spec.ids)}
_BY_INTERPRETER = {each: spec.name for spec in LANGUAGES.values() for each in spec.interpreters}
_SHEBANG = re.compile(r"#![ \t]*(?:\S*/)?(?:env[ \t]+(?:-\S*[ \t]+|\w+=\S*[ \t]+)*(?:\S*/)?)?([^\s/]+)")
FOLDER_MODULES = frozenset(
    name for spec in LANGUAGES.values() if spec.imports is not None for name in spec.imports.folder_modules
)
"""Names of files, without extension, that importers call by their folder's name."""


def language_of(path: str, text: str = "") -> str | None:
    """The language of a file by its name, or None; where two share an extension, what is in `text` tells.

    Where the name tells nothing, the program does that the first line of `text` is for.
    """
    name = PurePosixPath(path.replace("\\", "/").rpartition("/")[2])
    exact = _BY_EXACT_EXTENSION.get(name.suffix) or _BY_FILE_NAME.get(name.name)
    if exact is not None:
        return exact
    for language, shared in _SHARED.get(name.suffix, ()):
        if shared.holds.search(text, 0, HEADER_SNIFF_CHARS):
            return language
    return _BY_EXTENSION.get(name.suffix.lower()) or _language_of_script(text)  # "MAIN.PY" of old disks


def _language_of_script(text: str) -> str | None:
    found = _SHEBANG.match(text[:200])
    return _BY_INTERPRETER.get(found[1].rstrip("0123456789.")) if found is not None else None


def language_in(told: str | None, path: str, text: str) -> str | None:
    """The language with a spec that a text is in: what its client says (`told`), else as `language_of` finds it."""
    if told is None:
        return language_of(path, text)
    return told if told in LANGUAGES else None


def language_at(request: CompletionRequest) -> str | None:
    """The language with a spec that a request's text is in."""
    return language_in(request.language, request.path, request.prefix)


def indexed_language_of(path: str, text: str = "") -> str | None:
    """The language of a file that an index holds; None for all other files."""
    spec = spec_of(language_of(path, text))
    return spec.name if spec is not None and spec.grammar is not None else None


def spec_of(language: str | None) -> LanguageSpec | None:
    """The spec of a language by its name; None for another one, and for no language."""
    return LANGUAGES.get(language) if language is not None else None


def imports_of_language(language: str | None) -> Imports | None:
    """How a language's files import, or None for another one."""
    spec = spec_of(language)
    return spec.imports if spec is not None else None


def files_of_import(index: IndexedPaths, path: str, language: str, imported: Import) -> list[str]:
    """Return the files in which the imported name may be defined, the likeliest first; [] for what is not here."""
    rules = imports_of_language(language)
    return rules.files(index, path, imported) if rules is not None else []


def blocks_of(language: str | None) -> Blocks | None:
    """How a language tells its blocks; None for another one."""
    spec = spec_of(language)
    return spec.blocks if spec is not None else None


def analysis_of(language: str | None) -> Analysis | None:
    """How names are known in a language, or None where they are not."""
    spec = spec_of(language)
    return spec.analysis if spec is not None else None


def is_read_by_jedi(language: str) -> bool:
    """Whether jedi finds the names of this language, not the declared types of the index."""
    rules = analysis_of(language)
    return rules is not None and rules.declared is None


def declared_types_of(language: str | None) -> DeclaredTypes | None:
    """How the declared types of a language are read, or None where they are not."""
    rules = analysis_of(language)
    return rules.declared if rules is not None else None


def spec_of_id(language_id: str) -> LanguageSpec | None:
    """The spec of a language by what an editor calls it, or None."""
    return _BY_ID.get(language_id)


def line_comments(language: str | None) -> tuple[str, ...]:
    """What starts a comment that runs to the end of the line; of an unknown language what most have."""
    spec = LANGUAGES.get(language or "")
    return spec.line_comments if spec is not None else ("#", "//")


def comment_prefix(language: str) -> str:
    """The first of these. Languages without one get "#", which most formats take."""
    return next(iter(line_comments(language)), "#")


@cache
def grammar(language: str) -> Language:
    """The grammar of one of LANGUAGES that has one, imported and made once a process."""
    wanted = LANGUAGES[language].grammar
    if wanted is None:
        raise ValueError(f"{language} has no grammar")
    return Language(getattr(import_module(wanted.module), wanted.function)())


class _ThreadParsers(threading.local):
    """The parsers of one thread: a tree-sitter parser holds state while it runs and must not be shared."""

    def __init__(self) -> None:
        self.by_language: dict[str, Parser] = {}


_parsers = _ThreadParsers()


def parser(language: str) -> Parser:
    """This thread's parser for one of LANGUAGES that has a grammar, made on first use."""
    made = _parsers.by_language.get(language)
    if made is None:
        made = _parsers.by_language[language] = Parser(grammar(language))
    return made
