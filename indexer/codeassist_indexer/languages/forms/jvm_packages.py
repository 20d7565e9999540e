"""How imports of Java, Kotlin and Scala name a package, and the files of a library that they mean."""

from __future__ import annotations

import re
from collections.abc import Mapping

from codeassist_indexer.languages.forms.indexed_paths import (
    MAX_FILES,
    IndexedPaths,
    declared_imports,
    ends_with,
    package_files,
    paths_by_module,
)
from codeassist_indexer.languages.forms.parsed import Import, Symbol

_SOURCES = (".java", ".kt", ".scala")
_OF_THE_LANGUAGE = ("java.", "jdk.", "sun.", "kotlin.", "scala.")
_HIDDEN = re.compile(r"(?:[\w@]+ ){0,8}?(?:private|internal)\b")


def package_of(module: str) -> str:
    """Return the package of what an import names: `a.b` of `a.b.Outer`; "" for the language's own."""
    parts = [part for part in module.split(".") if part]
    while parts and parts[-1][:1].isupper():
        parts.pop()
    package = ".".join(parts)
    return "" if f"{package}.".startswith(_OF_THE_LANGUAGE) else package


def files_of_library(index: IndexedPaths, entries: Mapping[str, str], imported: Import) -> list[str]:
    """Return the files of a library, or of a project, in which the imported name may be defined, the likeliest first.

    `a.b.Type` is a/b/Type.java under some root, or where a file says that it is of a.b; `a.b.*` the package's files.
    """
    parts = [part for part in (*imported.module.split("."), imported.name) if part and part != "*"]
    for end in range(len(parts), max(0, len(parts) - 3), -1):  # Type, then Outer.Inner, then a static member
        found = paths_by_module(index, parts[:end], *_SOURCES)
        fitting = [path for path in found if ends_with(path.rpartition(".")[0].split("/"), parts[:end])]
        if fitting:
            return fitting[:1]
    if imported.name == "*":
        return package_files(index, parts, _SOURCES)[:MAX_FILES] or declared_imports(index, "", imported)
    return declared_imports(index, "", imported, ".java")


def is_visible(symbol: Symbol, owner: str) -> bool:
    """Say whether Kotlin and Scala let other modules use a definition: what nothing hides."""
    return not _HIDDEN.match(symbol.signature)
