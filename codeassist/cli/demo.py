"""`codeassist demo`: the whole way once, in a real repository: model, index, completion, reasons, times.

Knows nothing of how any of it works.
"""

import click

from codeassist.cli.options import debug_option


@click.command()
@debug_option
def demo() -> None:
    """Demo."""
