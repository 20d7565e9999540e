"""Paths of the index: what the languages' files ask to find what an import means.

A module is found by its name, and of several the one whose path ends as the import is written and that shares the
longest path with the importing file. What a file defines is looked up elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from codeassist_indexer.languages.forms.parsed import Import


class IndexedPaths(Protocol):
    """The paths that an index has. Within one request the same question has the same answer."""

    def existing(self, paths: Sequence[str]) -> list[str]:
        """Return those of `paths` that are indexed, in the given order."""
        ...

    def by_module(self, name: str, part: str) -> list[str]:
        """Return the files of modules of this name whose path holds `part`, sorted."""
        ...

    def by_folder(self, name: str, part: str) -> list[tuple[str, str]]:
        """Return the files in folders of this name whose path holds `part`, each with its folder, sorted."""
        ...

    def in_folder(self, folder: str) -> list[str]:
        """Return the files directly in a folder, sorted."""
        ...

    def folders(self, name: str) -> list[str]:
        """Return the folders of this name that hold files."""
        ...

    def below(self, folder: str) -> list[str]:
        """Return at most MAX_FILES in a folder and below it, sorted."""
        ...

    def declaring(self, package: str, name: str = "") -> list[str]:
        """Return at most MAX_FILES that say that they belong to a package (dotted), sorted.

        With a `name`, only those that define it.
        """
        ...

    def own_entries(self, ecosystem: str, module: str) -> Mapping[str, str] | None:
        """Return the entries of the repository's own project that imports call `module`; None: it has none."""
        ...

    def read_modules(self, asked: Iterable[tuple[str, str]]) -> None:
        """Read at once what `by_module` will be asked."""
        ...

    def read_folders(self, asked: Iterable[tuple[str, str]]) -> None:
        """Read at once what `by_folder` will be asked."""
        ...


MAX_FILES = 40  # of a package that is imported as a whole


def paths_by_module(index: IndexedPaths, parts: Sequence[str], *extensions: str) -> list[str]:
    """Return the files of modules named `parts[-1]` in whose paths `parts` stand together."""
    return [path for path in index.by_module(parts[-1], "/".join(parts)) if path.endswith(extensions)]


def package_files(index: IndexedPaths, parts: Sequence[str], extensions: tuple[str, ...]) -> list[str]:
    """Return the files directly in any folder whose path ends with `parts`."""
    if not parts:
        return []
    found = index.by_folder(parts[-1], "/".join(parts))
    return [path for path, folder in found if path.endswith(extensions) and ends_with(folder.split("/"), parts)]


def declared_imports(index: IndexedPaths, path: str, imported: Import, *extensions: str) -> list[str]:
    """Return the files of an import from a package that files declare, the nearest to `path` first.

    `a.b.C`: those of a.b that define C; `a.b.C.d`: of a.b, too. Where no file declares it, it may be a class of a
    language whose packages are folders, in a file with one of the `extensions`.
    """
    parts = [part for part in imported.module.split(".") if part]
    if imported.name == "*":
        found = index.declaring(".".join(parts))
        if found:
            return nearest(found, path)
    names = [*parts, imported.name] if imported.name not in ("", "*") else parts
    for end in range(len(names) - 1, max(0, len(names) - 4), -1):
        found = index.declaring(".".join(names[:end]), names[end])
        if found:
            return nearest(found, path)
    if not names or not extensions:
        return []
    named = paths_by_module(index, names, *extensions)
    return nearest((each for each in named if ends_with(each.rpartition(".")[0].split("/"), names)), path)[:1]


def ends_with(path_parts: Sequence[str], parts: Sequence[str]) -> bool:
    """Say whether the last of `path_parts` are `parts`."""
    return list(path_parts[-len(parts) :]) == list(parts)


def shared_end(folder: Sequence[str], parts: Sequence[str]) -> int:
    """Return how many parts of `folder`, if it is the end of `parts` or ends with them in part, agree from the end."""
    count = 0
    for one, other in zip(reversed(folder), reversed(parts), strict=False):
        if one != other:
            break
        count += 1
    return count


def nearest(paths: Iterable[str], to: str) -> list[str]:
    """Sort by how long the shared beginning of the path is, `src` layouts first, then short paths, then by name."""

    listed = list(paths)
    if len(listed) < 2:
        return listed
    folders = to.split("/")[:-1]

    def distance(path: str) -> tuple[int, bool, int, str]:
        parts = path.split("/")
        num_shared = 0
        for one, other in zip(folders, parts, strict=False):
            if one != other:
                break
            num_shared += 1
        return (-num_shared, "src" not in parts, len(parts), path)

    return sorted(listed, key=distance)
