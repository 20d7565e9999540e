"""A repository with its index and what it knows of packages and neighbours, and what a completion is shown of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from codeassist.request import CompletionRequest
from codeassist_indexer.ingest.library_update import update_libraries
from codeassist_indexer.ingest.update import update_index
from codeassist_indexer.retrieval.retrieve import IndexRetriever
from codeassist_indexer.storage.library_stores import LibraryStores
from codeassist_indexer.storage.store import Store, database_path


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write files below a folder."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


class Opened:
    """A repository that the user has opened: it has an index in the cache that lies beside it."""

    def __init__(self, root: Path, files: Mapping[str, str], cache: Path | None = None) -> None:
        cache = cache or root.parent / "cache"
        self.root = root
        self.folder = cache / "libraries"
        write(root, files)
        self.store = Store(database_path(root, cache))
        update_index(self.store, root)
        self.libraries = LibraryStores(self.folder)

    def update(self, projects: Iterable[Path] = ()) -> bool:
        """Bring index, packages and neighbours up to date; say whether packages have changed."""
        update_index(self.store, self.root)
        return update_libraries(self.store, self.root, self.folder, projects=list(projects))

    def labels(self) -> list[str]:
        """Return what the packages and neighbours are called that its index names."""
        return [library.label for library in self.libraries.of(self.store).by_number]

    def shown(self, path: str, prefix: str) -> dict[str, tuple[str, str, str]]:
        """Return what a completion at the end of `prefix` may be shown of definitions.

        By the name: the package's label ("": it is the repository's own), the file, and the text.
        """
        asked = IndexRetriever(self.store, "learned", libraries=self.libraries)
        found = asked.candidates(CompletionRequest(path, prefix, "\n"))
        return {
            each.name: (each.snippet.library or "", each.snippet.path, each.snippet.text)
            for each in found.candidates
            if each.form == "skeleton"
        }
