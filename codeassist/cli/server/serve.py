"""`codeassist serve`: the language server, for the editor that starts it, for several windows, or on a socket.

It puts together where models come from, where to listen and where to log.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from codeassist.processes import module_command
from codeassist.terminal.console import notice
from codeassist.terminal.options import debug_option, set_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codeassist.completion.completer import Completer
    from codeassist.progress import Progress
    from codeassist.settings import Folders, Override, Settings

_LEVELS = ("debug", "info", "warning", "error")


@click.command()
@click.option("--stdio", "wants_stdio", is_flag=True, help="Speak on stdin and stdout (what happens anyway).")
@click.option(
    "--socket",
    "socket",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Listen at PATH, without --stdio only there.",
)
@click.option("--shared", is_flag=True, help="Share one server with your other windows; this process passes on.")
@click.option(
    "--linger",
    "linger_min",
    metavar="MINUTES",
    type=click.FloatRange(min=0),
    default=10,
    show_default=True,
    help="How long a shared server stays when the last window has left.",
)
@click.option("--background", is_flag=True, help="With --shared: be that server, which windows start by themselves.")
@click.option("--log-file", metavar="FILE", type=click.Path(path_type=Path), help="Log to FILE.")
@click.option("--log-level", type=click.Choice(_LEVELS), default="info", help="How much to log.")
@set_option
@debug_option
def serve(
    wants_stdio: bool,
    socket: Path | None,
    shared: bool,
    linger_min: float,
    background: bool,
    log_file: Path | None,
    log_level: str,
    assignments: tuple[str, ...],
) -> None:
    """Complete in an editor, as its language server.

    It speaks on stdin and stdout; editors start it by themselves. Beside its editor it answers `codeassist
    complete` and `codeassist status`.

    \b
    Examples:
      codeassist serve --stdio
      codeassist serve --shared
      codeassist serve --socket ~/.cache/codeassist/mine.sock
      codeassist serve --log-level debug --log-file /tmp/codeassist.log
    """
    from codeassist.settings import locate
    from codeassist.settings.assignments import parse_assignments

    places = locate()
    overrides = parse_assignments(assignments)
    if shared:
        if socket is not None:
            raise click.UsageError("--shared finds its own socket; leave --socket away")
        if background:
            sys.exit(_serve_shared(places, overrides, linger_min, log_file, log_level))
        started = ["--linger", f"{linger_min:g}", "--log-level", log_level]
        started += [] if log_file is None else ["--log-file", str(log_file.absolute())]
        started += [part for assignment in assignments for part in ("--set", assignment)]
        sys.exit(_relay(places, overrides, started, log_file))
    if background:
        raise click.UsageError("--background belongs to --shared")
    _begin_with_torch(overrides)
    from codeassist_lsp.usage.logs import set_up_logging

    set_up_logging(places.cache, getattr(logging, log_level.upper()), log_file)
    if socket is not None and not wants_stdio:
        from codeassist_lsp.serving.socket_serving import run_socket

        path = socket.absolute()
        sys.exit(run_socket(load, places.run, path, overrides, lambda at: notice(f"listening at {at}")))
    if sys.stdin.isatty():
        notice("an editor is meant to start this: it speaks the language server protocol on stdin (Ctrl-C ends it)")
    from codeassist_lsp.serving.serving import run_stdio
    from codeassist_lsp.serving.socket_serving import beside_stdio

    beside = beside_stdio(places.run, socket.absolute() if socket is not None else None, overrides)
    sys.exit(run_stdio(load, overrides, beside))


def _relay(places: Folders, overrides: Sequence[Override], options: Sequence[str], log_file: Path | None) -> int:
    """Pass stdin and stdout on to the server that windows share, started with `options` if there is none."""
    from codeassist_lsp.sharing import discovery as shared
    from codeassist_lsp.sharing.stdio_relay import StdioRelay

    identity = shared.identity_of(overrides, places)
    command = module_command("codeassist.cli", ["serve", "--shared", "--background", *options])
    relay = StdioRelay(
        lambda is_wanted: shared.reach(places, identity, command, is_wanted), log_file or shared.log_file(places.cache)
    )
    return relay.run()


def _serve_shared(
    places: Folders, overrides: Sequence[Override], linger_min: float, log_file: Path | None, log_level: str
) -> int:
    _begin_with_torch(overrides)
    from codeassist_lsp.serving.shared_server import run_shared
    from codeassist_lsp.sharing import discovery as shared
    from codeassist_lsp.usage.logs import set_up_logging

    set_up_logging(places.cache, getattr(logging, log_level.upper()), log_file or shared.log_file(places.cache))
    return run_shared(load, places.run, shared.identity_of(overrides, places), overrides, linger_min * 60)


def _begin_with_torch(overrides: Sequence[Override]) -> None:
    """Import torch beside everything else, unless another machine completes."""
    from codeassist.engine.loading.torch_ahead import import_torch_ahead
    from codeassist.errors import SettingsError
    from codeassist.settings import resolve

    try:
        is_needed = resolve(None, overrides).settings.remote.url is None
    except SettingsError:  # the client is told, by who resolves them for it
        is_needed = False
    if is_needed:
        import_torch_ahead()


def load(settings: Settings, progress: Progress) -> Completer:
    """Load the model that the settings name, or find the server that they name."""
    from codeassist.cli.sessions.local_session import open_local

    if settings.remote.url is None:
        return open_local(settings, progress)
    from codeassist.cli.sessions.remote_session import open_remote
    from codeassist.progress import silent

    engine = open_remote(settings, lambda: open_local(settings, silent))
    progress(f"asking {settings.remote.url}", 0, None)
    engine.reach()
    return engine
