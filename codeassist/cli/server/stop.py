"""`codeassist stop`: ends the servers that windows share.

Each is asked to end. A server that an editor has to itself is left alone.
"""

from __future__ import annotations

import click

from codeassist.terminal.console import notice, print_json, say
from codeassist.terminal.options import debug_option, json_option


@click.command()
@json_option
@debug_option
def stop(as_json: bool) -> None:
    """End the servers that your windows share.

    A window that is open starts another one.

    \b
    Examples:
      codeassist stop
    """
    from codeassist.settings import locate
    from codeassist_lsp.sharing.server_client import NoAnswer, servers

    stopped: list[int] = []
    problems: list[str] = []
    for server in servers(locate().run):
        if server.address.shared is None:
            continue
        try:
            if server.stop():
                stopped.append(server.address.pid)
        except NoAnswer as error:
            problems.append(f"{error}; end process {server.address.pid} yourself")
    if as_json:
        print_json({"stopped": stopped, "problems": problems})
        return
    for pid in stopped:
        say(f"process {pid} ends")
    for problem in problems:
        notice(problem)
    if not stopped and not problems:
        say("no shared server runs; `codeassist serve --shared` starts one")
