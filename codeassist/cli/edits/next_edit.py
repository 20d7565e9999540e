"""`codeassist next-edit`: what follows from the edits so far, in the same and in other files."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from codeassist.errors import RequestError
from codeassist.terminal.console import Meter, notice, print_exactly, print_json, say
from codeassist.terminal.options import debug_option, json_option, resolve_settings, set_option
from codeassist.terminal.shell_words import model_words

if TYPE_CHECKING:
    from codeassist.edits.edit_request import EditRequest
    from codeassist_indexer.edit_requests.source_files import SourceFiles
    from codeassist_indexer.edit_requests.working_tree import WorkingChanges
    from codeassist_indexer.storage.store import Store

_MOST_WAIT_S = 5.0  # for the commits of a large repository; without them names decide


@click.command("next-edit")
@click.option(
    "--repo", "repository", metavar="DIR", type=click.Path(path_type=Path), default=Path(), help="The repository."
)
@click.option("--since", metavar="REV", help="What the working tree changed since this commit (HEAD by default).")
@click.option(
    "--patch", "patch_file", metavar="FILE", type=click.Path(path_type=Path), help="What this patch has changed."
)
@click.option("--stdin", "from_stdin", is_flag=True, help="What the patch on stdin has changed.")
@click.option("--patch-out", metavar="FILE|-", help="Write the edits as a patch, to a file or to stdout.")
@click.option(
    "--model",
    metavar="NAME|PATH",
    shell_complete=model_words,
    help="Use this model (`codeassist models list`), GGUF file or folder.",
)
@set_option
@json_option
@debug_option
def next_edit(
    repository: Path,
    since: str | None,
    patch_file: Path | None,
    from_stdin: bool,
    patch_out: str | None,
    model: str | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Print the edits that follow from what was changed.

    The likeliest comes first. What was changed is the working tree's difference to a commit, or a patch that has
    been applied. Files are only read: --patch-out writes what `git apply` takes.

    \b
    Examples:
      codeassist next-edit
      codeassist next-edit --since main --json
      codeassist next-edit --patch-out - | git apply
      git diff HEAD~1 | codeassist next-edit --stdin
    """
    from codeassist.cli.edits.edit_report import as_document, as_patch, print_edits, print_uncertain
    from codeassist.cli.sessions.edit_run import Proposed, propose
    from codeassist.cli.sessions.repository import bring_up_to_date, open_store, require_root
    from codeassist_indexer.edit_requests.commit_history import CommitHistory
    from codeassist_indexer.edit_requests.related_files import related_files
    from codeassist_indexer.edit_requests.source_files import SourceFiles

    if sum((since is not None, patch_file is not None, from_stdin)) > 1:
        raise click.UsageError("--since, --patch and --stdin exclude each other")
    if as_json and patch_out == "-":
        raise click.UsageError("--json and --patch-out - both write to stdout")
    root = require_root(repository)
    settings = resolve_settings(root, assignments, {"--model": ("model.name", model)}).settings
    files = SourceFiles(root, settings.index.exclude)
    commits = CommitHistory(root)
    commits.look()  # while the index is brought up to date
    with Meter() as meter, closing(open_store(root, settings)) as store:
        for line in bring_up_to_date(store, root, settings, meter).notices:
            notice(line)
        changes = _changes(root, since, patch_file, from_stdin, store, files)
        texts = dict(changes.texts)
        texts |= files.read(related_files(store, changes.history, texts, commits.wait(_MOST_WAIT_S)))
        found = propose(_request(root, changes, texts), settings, meter) if changes.history else Proposed(())
    edits = found.proposals
    for line in found.notices:
        notice(line)
    if patch_out is not None:
        _write(as_patch(edits, texts), patch_out)
    if as_json:
        print_json(as_document(edits, found.why_none, found.uncertain))
    elif patch_out != "-":
        print_edits(edits)
        if not edits:
            say(f"no next edit: {found.why_none}")
            print_uncertain(found.uncertain)


def _changes(
    root: Path, since: str | None, patch_file: Path | None, from_stdin: bool, store: Store, files: SourceFiles
) -> WorkingChanges:
    from codeassist_indexer.edit_requests.working_tree import changes_since, patched

    if patch_file is None and not from_stdin:
        return changes_since(root, since or "HEAD", store, files)
    if from_stdin:
        where, content = "stdin", sys.stdin.buffer.read()
    else:
        assert patch_file is not None
        where = str(patch_file)
        try:
            content = patch_file.read_bytes()
        except OSError as error:
            raise RequestError(f"{where}: {error.strerror or error}; name a file with a patch") from error
    changes, left_out = patched(content, files, where)
    for line in left_out:
        notice(f"{where}: {line}")
    return changes


def _request(root: Path, changes: WorkingChanges, texts: dict[str, str]) -> EditRequest:
    from codeassist.edits.edit_request import EditRequest
    from codeassist.edits.lines import with_line_feeds

    last = changes.history[-1]
    return EditRequest(
        path=last.path,
        line=last.start_line,
        history=changes.history,
        files={path: with_line_feeds(text) for path, text in texts.items()},
        root=str(root),
        repository=root.name,
    )


def _write(patch: str, where: str) -> None:
    if where == "-":
        if patch:
            print_exactly(patch.removesuffix("\n"))
        return
    try:
        Path(where).write_bytes(patch.encode("utf-8"))
    except OSError as error:
        raise RequestError(f"{where}: the patch cannot be written: {error.strerror or error}") from error
