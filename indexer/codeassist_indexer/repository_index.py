"""A repository's index as the settings ask for it: its database, and what goes in.

Commands and editors open an index through here. Nothing that asks an index is imported.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from codeassist.progress import Progress, silent
from codeassist.settings import Settings
from codeassist_indexer.ingest.library_update import LibraryUpdate, update_libraries
from codeassist_indexer.ingest.update import UpdateProgress, UpdateReport, UpdateSettings, update_index
from codeassist_indexer.retrieval.vectors.encoder_source import source_in_force
from codeassist_indexer.storage.library_stores import libraries_folder
from codeassist_indexer.storage.store import Store, database_path


def open_store(root: Path, settings: Settings) -> Store:
    """Return the repository's index; nothing is read or made before its first use."""
    return Store(database_path(root, settings.places.cache))


def update_settings(settings: Settings) -> UpdateSettings:
    """Return what of the settings decides which files are indexed."""
    return UpdateSettings(exclude=settings.index.exclude, encoder=source_in_force(settings.context.encoder))


def bring_libraries_up_to_date(store: Store, root: Path, settings: Settings, progress: Progress = silent) -> None:
    """Find the installed packages that the repository imports, and index those that no repository has used before.

    Nothing where the settings ask for no context that they are part of.
    """
    if settings.context.mode != "learned":
        return

    def report(state: LibraryUpdate) -> None:
        progress(f"index {state.label}", state.num_done, state.num_total)

    update_libraries(store, root, libraries_folder(settings.places.cache), progress=report)


def background(settings: UpdateSettings) -> UpdateSettings:
    """Return the same for work that nobody waits for."""
    return replace(settings, in_background=True)


def bring_up_to_date(store: Store, root: Path, settings: Settings, progress: Progress = silent) -> UpdateReport:
    """Index what has changed since the last time."""

    def report(state: UpdateProgress) -> None:
        progress("index", state.num_done, state.num_total)

    return update_index(store, root, update_settings(settings), progress=report)
