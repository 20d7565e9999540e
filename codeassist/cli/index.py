"""`codeassist index`: bring a repository's index up to date, rebuild it, or say what it holds."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from codeassist.terminal.console import Meter, notice, print_json, print_json_line, say
from codeassist.terminal.options import debug_option, json_option, resolve_settings, set_option

if TYPE_CHECKING:
    from codeassist_indexer.ingest.update import UpdateReport
    from codeassist_indexer.storage.store import Store


@click.command()
@click.argument("repository", metavar="[REPO]", type=click.Path(path_type=Path), default=Path())
@click.option("--rebuild", "wants_rebuild", is_flag=True, help="Throw the index away and build it from nothing.")
@click.option("--status", "wants_status", is_flag=True, help="Say what the index holds and change nothing.")
@click.option("--symbols", "wants_symbols", is_flag=True, help="Then print all definitions, one JSON object a line.")
@set_option
@json_option
@debug_option
def index(
    repository: Path,
    wants_rebuild: bool,
    wants_status: bool,
    wants_symbols: bool,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Bring the index of a repository up to date.

    That is the one around REPO (the current folder). Unchanged files are not read again. It can be interrupted at
    any point: the next run goes on. `complete` does this by itself; doing it ahead makes the first completion in a
    large repository fast.

    \b
    Examples:
      codeassist index
      codeassist index ~/src/project --rebuild
      codeassist index --status --json
      codeassist index --symbols | grep '"kind": "class"'
    """
    from codeassist.cli.sessions.repository import bring_up_to_date, open_store, require_root

    if wants_rebuild and wants_status:
        raise click.UsageError("--rebuild and --status exclude each other")
    if wants_symbols and wants_status:
        raise click.UsageError("--symbols and --status exclude each other")
    root = require_root(repository)
    settings = resolve_settings(root, assignments).settings
    with closing(open_store(root, settings)) as store:
        if wants_status:
            _print_status(root, store, as_json)
            return
        if wants_rebuild:
            store.rebuild()
        with Meter() as meter:
            report = bring_up_to_date(store, root, settings, meter)
        if wants_symbols:
            _print_symbols(store)
            return
    _print_report(root, report, as_json)


def _print_symbols(store: Store) -> None:
    from codeassist_indexer.storage.symbol_reader import stored_symbols

    for symbol in stored_symbols(store):
        print_json_line(symbol._asdict())


def _print_report(root: Path, report: UpdateReport, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "root": root,
                "num_files": report.num_files,
                "num_unchanged": report.num_unchanged,
                "num_same_content": report.num_same_content,
                "num_parsed": report.num_parsed,
                "num_removed": report.num_removed,
                "num_chunks_written": report.num_chunks_written,
                "num_redacted_lines": report.num_redacted_lines,
                "skipped_by_reason": dict(report.skipped_by_reason),
                "seconds": round(report.seconds, 3),
                "files_per_s": round(report.files_per_s, 1),
                "notices": list(report.notices),
            }
        )
        return
    for line in report.notices:
        notice(line)
    say(
        f"{root}: {report.num_files:,} files in {report.seconds:.2f} s ({report.files_per_s:,.0f} files/s): "
        f"{report.num_parsed:,} parsed, {report.num_unchanged + report.num_same_content:,} unchanged, "
        f"{report.num_removed:,} removed; {report.num_chunks_written:,} chunks written"
    )
    if report.num_redacted_lines:
        say(f"  {report.num_redacted_lines:,} lines that look like secrets were left out")
    _print_skipped(report.skipped_by_reason)


def _print_status(root: Path, store: Store, as_json: bool) -> None:
    from codeassist.models.sources import size_text

    counts = store.counts() if store.path.exists() else None
    if as_json:
        document: dict[str, Any] = {"root": root, "database": store.path, "is_indexed": counts is not None}
        if counts is not None:
            document |= {
                "num_files": counts.num_files,
                "num_symbols": counts.num_symbols,
                "num_chunks": counts.num_chunks,
                "skipped_by_reason": dict(counts.num_skipped_by_reason),
                "num_bytes": counts.num_bytes,
            }
        print_json(document)
    elif counts is None:
        say(f"{root}: not indexed yet; run `codeassist index`")
    else:
        say(
            f"{root}: {counts.num_files:,} files, {counts.num_symbols:,} symbols, {counts.num_chunks:,} chunks, "
            f"{size_text(counts.num_bytes)} in {store.path}"
        )
        _print_skipped(counts.num_skipped_by_reason)


def _print_skipped(by_reason: Any) -> None:
    for reason, count in by_reason.items():
        say(f"  left out, {reason}: {count:,}")
