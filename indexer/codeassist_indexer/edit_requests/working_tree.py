"""What a working tree changed since a commit, as somebody may have typed it: the files touched last come last.

Git is asked for the commit's contents only; the files are read and compared here, so that no filter of the repository
runs. What git tracks and what it does not yet track counts alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from codeassist.edits.change import LineChange
from codeassist.edits.line_diff import line_changes
from codeassist.edits.lines import with_line_feeds
from codeassist.edits.patch import read_patch
from codeassist.edits.workspace_history import masked, without_mass_changes
from codeassist.errors import RequestError
from codeassist_indexer.edit_requests.source_files import SourceFiles, without_secrets
from codeassist_indexer.ingest.git import Git
from codeassist_indexer.ingest.git_objects import Blob, read_blobs, resolve_commit, tree_files
from codeassist_indexer.ingest.walk import FileLimits, NotSource, decode_source
from codeassist_indexer.storage.store import Store

_LIMITS = FileLimits()
_MOST_FILES = 200  # a checkout or a merge: nobody typed that


@dataclass(frozen=True, slots=True)
class WorkingChanges:
    """The changes, the oldest first as far as that is known, and the texts now of the files that they are in."""

    history: tuple[LineChange, ...]
    texts: Mapping[str, str]


def changes_since(root: Path, revision: str, store: Store, files: SourceFiles) -> WorkingChanges:
    """Return what differs from the commit that `revision` names in the files of an index that is up to date.

    Raises GitError where git does not answer, RequestError for a revision that is none.
    """
    git = Git.open(root)
    commit = resolve_commit(git, revision)
    if commit is None:
        raise RequestError(f"{revision}: no commit of {root} is called so; give a branch, a tag or an id")
    states = store.file_states()
    touched_ns = {path: state.mtime_ns or 0 for path, state in states.items() if state.skip_reason is None}
    blob_by_path = {blob.path: blob for blob in tree_files(git, commit) if blob.path in touched_ns}
    texts = files.read(sorted(touched_ns, key=touched_ns.__getitem__))
    changed = {path: text for path, text in texts.items() if not _is_blob(text, blob_by_path.get(path))}
    before = dict(_texts_of(git, [blob_by_path[path] for path in changed if path in blob_by_path]))
    history: list[LineChange] = []
    num_files = 0
    for path, text in changed.items():
        if path in blob_by_path and path not in before:
            continue  # no text then
        found = line_changes(path, before.get(path, ""), with_line_feeds(text))
        num_files += bool(found)
        history += found
    if num_files > _MOST_FILES:
        raise RequestError(
            f"{num_files:,} files differ from {revision}: more than anybody edits; give a nearer commit with --since"
        )
    kept = masked(without_mass_changes(history), without_secrets)
    return WorkingChanges(kept, {each.path: texts[each.path] for each in kept})


def patched(content: bytes, files: SourceFiles, where: str) -> tuple[WorkingChanges, tuple[str, ...]]:
    """Return what a patch has changed, and what of it was left out and why. Raises as `read_patch` does."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RequestError(f"{where}: the patch is not UTF-8; give what `git diff` prints") from error
    texts: dict[str, str] = {}

    def read(path: str) -> str | None:
        texts.update(files.read((path,)))
        return texts.get(path)

    found = read_patch(text, read, where)
    kept = masked(without_mass_changes(found.changes), without_secrets)
    return WorkingChanges(kept, {each.path: texts[each.path] for each in kept}), found.left_out


def _is_blob(text: str, blob: Blob | None) -> bool:
    if blob is None:
        return False
    content = text.encode("utf-8")
    name = hashlib.sha256 if len(blob.id) == 64 else hashlib.sha1
    return name(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest() == blob.id


def _texts_of(git: Git, blobs: list[Blob]) -> Iterator[tuple[str, str]]:
    for blob, content in read_blobs(git, blobs, _LIMITS.max_file_bytes):
        text = decode_source(content)
        if not isinstance(text, NotSource):
            yield blob.path, with_line_feeds(text)
