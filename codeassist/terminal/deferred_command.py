"""A command that is imported when it is used, so that `codeassist --help` does not wait for what only it needs.

It is told the module, the name in it, and the line that the list of commands shows.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click


class DeferredCommand(click.Command):
    """Stands in the program for a command or group elsewhere until somebody calls it."""

    def __init__(self, name: str, module: str, attribute: str, short_help: str) -> None:
        super().__init__(name, short_help=short_help)
        self._module = module
        self._attribute = attribute

    def load(self) -> click.Command:
        """Import the command and return it."""
        command: click.Command = getattr(import_module(self._module), self._attribute)
        return command

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Hand the arguments to the command itself: click then runs the context's command, which is that one."""
        return self.load().make_context(info_name, args, parent, **extra)
