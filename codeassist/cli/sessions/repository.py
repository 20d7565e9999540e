"""The repository that a command is about: its root, its index, its retriever.

What is missing here costs context, never the completion: it comes back as notices.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from codeassist.errors import CodeAssistError, RequestError
from codeassist.progress import Progress
from codeassist.request import NO_REPOSITORY, NoRetriever, Retriever
from codeassist.settings import Settings

if TYPE_CHECKING:
    from codeassist_indexer.ingest.update import UpdateReport
    from codeassist_indexer.storage.store import Store

_NOT_INSIDE = "not inside a repository; create an empty .codeassist.toml in the folder that is to be its root"


@dataclass(frozen=True, slots=True)
class Context:
    """Where snippets come from, and what the user should know about it."""

    retriever: Retriever
    notices: tuple[str, ...] = ()


def find_root(path: Path) -> Path | None:
    """Return the root of the repository that `path` is in, links resolved, or None."""
    from codeassist_indexer.ingest.walk import repository_root

    return repository_root(path)


def name_of(root: Path | None, file: Path) -> str:
    """Return what models are told that a file's repository is called: the name by which the user came to it."""
    if root is None:
        return NO_REPOSITORY
    from codeassist_indexer.ingest.walk import repository_name

    return repository_name(root, _shell_folder() / file.parent)


def _shell_folder() -> Path:
    """The current folder by the name by which the shell entered it: that of a link, where it was one."""
    here, told = Path.cwd(), Path(os.environ.get("PWD", ""))
    try:
        return told if told.is_absolute() and told.samefile(here) else here
    except OSError:  # it was another shell's
        return here


def require_root(path: Path) -> Path:
    """Return the root of the repository that `path` is in. Raises RequestError where there is none."""
    if not path.exists():
        raise RequestError(f"{path}: no such folder; name a folder of the repository to index")
    root = find_root(path)
    if root is None:
        raise RequestError(f"{path.absolute()}: {_NOT_INSIDE}")
    return root


def open_store(root: Path, settings: Settings) -> Store:
    """Return the repository's index; nothing is read or made before its first use."""
    from codeassist_indexer.storage.store import Store, database_path

    return Store(database_path(root, settings.places.cache))


def bring_up_to_date(store: Store, root: Path, settings: Settings, progress: Progress) -> UpdateReport:
    """Index what has changed since the last time, and the installed packages that are imported."""
    from codeassist_indexer import repository_index

    report = repository_index.bring_up_to_date(store, root, settings, progress)
    repository_index.bring_libraries_up_to_date(store, root, settings, progress)
    return report


def open_context(root: Path | None, settings: Settings, progress: Progress) -> Context:
    """Return the retriever that the settings ask for, over an index that is brought up to date first."""
    if settings.context.mode == "none":
        return Context(NoRetriever())
    if root is None:
        return Context(NoRetriever(), (f"no context from other files: the file is {_NOT_INSIDE}",))
    from codeassist_indexer.repository import open_retriever

    store = open_store(root, settings)
    try:
        notices = tuple(bring_up_to_date(store, root, settings, progress).notices)
    except CodeAssistError as error:
        if not _holds_anything(store):
            return Context(NoRetriever(), (f"no context from other files: {error}",))
        notices = (f"context from other files may be out of date: {error}",)
    return Context(open_retriever(store, settings, deadline_ms=None), notices)


def _holds_anything(store: Store) -> bool:
    try:
        return store.path.exists() and store.num_files() > 0
    except CodeAssistError:  # no index at all, which is said
        return False
