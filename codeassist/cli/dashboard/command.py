"""`codeassist dashboard`: serves the page until it is interrupted."""

from __future__ import annotations

import signal
import threading
from contextlib import closing
from pathlib import Path
from types import FrameType

import click

from codeassist.errors import CodeAssistError
from codeassist.terminal.console import notice, print_json, say
from codeassist.terminal.options import debug_option, json_option, resolve_settings, set_option


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), metavar="N", default=0, help="Of this machine; any free one.")
@click.option(
    "--days", type=click.IntRange(min=1), metavar="N", default=30, show_default=True, help="Count the last N days."
)
@click.option("--no-open", "stays_closed", is_flag=True, help="Open no browser; only say the address.")
@set_option
@json_option
@debug_option
def dashboard(port: int, days: int, stays_closed: bool, assignments: tuple[str, ...], as_json: bool) -> None:
    """Show what your servers do on a local page.

    Model, last suggestion, live cache, times, acceptance, context and index: what `status`, `stats` and the explanation
    of a suggestion say, kept current. The page can be reached from this machine only, by who knows its address. Ctrl-C
    ends it.

    \b
    Examples:
      codeassist dashboard
      codeassist dashboard --port 8722 --no-open
      codeassist dashboard --days 90
    """
    from codeassist.cli.dashboard.browser import open_in_browser
    from codeassist.cli.dashboard.page_server import PageServer
    from codeassist.cli.dashboard.readings import Readings
    from codeassist.cli.sessions.repository import find_root

    root = find_root(Path())
    readings = Readings(resolve_settings(root, assignments).settings, days, root)
    try:
        server = PageServer(readings.take, notice, port)
    except OSError as error:
        raise CodeAssistError(f"port {port} cannot be had ({error.strerror}); choose another one by --port") from error
    with closing(server):
        server.start()
        if as_json:
            print_json({"url": server.url})
        else:
            say(f"dashboard: {server.url}")
            say("Ctrl-C ends it. The address is a key: give it to nobody.")
        if not stays_closed and not as_json and not open_in_browser(server.one_time_url):
            notice("no browser can be started here: open the address above in one")
        _wait_for_the_end()


def _wait_for_the_end() -> None:
    """Return when somebody presses Ctrl-C or ends the process."""
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    while not ended.wait(1.0):  # without a limit, Windows would not hear of Ctrl-C
        pass
