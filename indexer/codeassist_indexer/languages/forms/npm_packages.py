"""How imports of JavaScript and TypeScript name a package, and the files of it that they mean.

A package says itself which file each of its import paths is (`entries`, as its package.json has them, "." for itself).
Of a project it is also said in which folder it lies, under FOLDER.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from codeassist_indexer.languages.forms.indexed_paths import IndexedPaths
from codeassist_indexer.languages.forms.parsed import Import

FOLDER = "/"


def package_of(module: str) -> str:
    """Return the package of a module as it is written: `@scope/name` of `@scope/name/sub`; "" for a path."""
    if not module or module[0] in "./~#" or ":" in module:
        return ""
    parts = module.split("/")
    return "/".join(parts[:2]) if module.startswith("@") else parts[0]


def files_of_package(
    file_names: Callable[[str], list[str]], index: IndexedPaths, entries: Mapping[str, str], imported: Import
) -> list[str]:
    """Return the file of a package that an import means; `file_names` gives those that a path may stand for."""
    package = package_of(imported.module)
    inside = imported.module[len(package) :]
    entry = entries.get(f".{inside}")
    if entry is not None:
        return index.existing([entry])
    for pattern, file in (
        (key, file) for key, file in entries.items() if "*" in key
    ):  # "./resources/*": the star is one text on both sides
        before, star, behind = pattern.partition("*")
        path = f".{inside}"
        if star and path.startswith(before) and path.endswith(behind) and len(path) >= len(pattern) - 1:
            found = index.existing([file.replace("*", path[len(before) : len(path) - len(behind)])])
            if found:
                return found
    folder = entries.get(FOLDER)
    if folder is None:
        return index.existing(file_names(f"{package}{inside}"))[:1]
    base = f"{folder}/" if folder else ""
    names = [*file_names(f"{base}{inside[1:]}"), *file_names(f"{base}src{inside}")] if inside else []
    return index.existing(names)[:1]
