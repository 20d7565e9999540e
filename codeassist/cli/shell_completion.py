"""`codeassist completion`: the script that completes this program's command lines in a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from codeassist.terminal.console import print_exactly
from codeassist.terminal.error_boundary import completion_variable
from codeassist.terminal.options import debug_option

_PROGRAM = "codeassist"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@debug_option
def completion(shell: str) -> None:
    """Print the script that completes command lines in SHELL.

    \b
    Examples:
      bash:  echo 'eval "$(codeassist completion bash)"' >> ~/.bashrc
      zsh:   echo 'eval "$(codeassist completion zsh)"' >> ~/.zshrc
      fish:  codeassist completion fish > ~/.config/fish/completions/codeassist.fish
    """
    of_shell = get_completion_class(shell)
    assert of_shell is not None, "click knows these three"
    root = click.get_current_context().find_root().command
    print_exactly(of_shell(root, {}, _PROGRAM, completion_variable(_PROGRAM)).source())
