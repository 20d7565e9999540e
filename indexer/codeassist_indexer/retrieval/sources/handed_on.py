"""Names that a package hands on from another one: `from starlette.requests import Request as Request` in fastapi."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from codeassist_indexer.languages.registry import files_of_import
from codeassist_indexer.storage.store import Store
from codeassist_indexer.storage.symbol_reader import PathReader, definitions_in_files, imports_in_files

_MOST_STEPS = 4


def ways_out(store: Store, name: str, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield module and name of each import by which files of a package have a name that the package does not define.

    "*" is a name too. Imports within the package are followed, a few steps.
    """
    reader, step, seen = PathReader(store), [(name, tuple(paths))], set[tuple[str, str]]()
    for _ in range(_MOST_STEPS):
        further: list[tuple[str, tuple[str, ...]]] = []
        for wanted, files in step:
            if not files or (wanted and definitions_in_files(store, [wanted], files, "")):
                continue
            for each in imports_in_files(store, [wanted], files):
                imported = each.imported
                found = files_of_import(reader, each.path, each.language, imported)
                handed = wanted if imported.name == "*" else imported.name
                if (imported.module, handed) in seen or not handed:
                    continue
                seen.add((imported.module, handed))
                if found:
                    further.append((handed, tuple(found)))
                elif not imported.module.startswith("."):
                    yield imported.module, handed
        step = further
