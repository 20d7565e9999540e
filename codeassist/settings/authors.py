"""Who may make a setting, and what is said to whoever may not.

A repository's file comes with code that somebody else wrote. So may an editor's settings: VS Code's workspace settings,
Helix's `.helix/languages.toml`, Neovim's `.nvim.lua` lie in the repository too.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path

from codeassist.errors import SettingsError

_MOST_NAMED = 5


class Author(IntEnum):
    """Where a value comes from, the least trusted first. A setting names the least trusted one that may make it."""

    REPOSITORY = 0  # .codeassist.toml
    EDITOR = 1  # what an editor sends to the language server
    USER = 2  # the user's own config.toml, the process's environment and command line


def misplaced(where: str, author: Author, keys: Sequence[str], config_file: Path) -> SettingsError:
    """Return the one error for all the settings in one place that its author may not make; it names five at most."""
    shown = list(dict.fromkeys(keys))
    names = ", ".join(shown[:_MOST_NAMED])
    if len(shown) > _MOST_NAMED:
        names += f" and {len(shown) - _MOST_NAMED} more"
    if author is Author.REPOSITORY:
        return SettingsError(
            f"{where}: a repository may not set {names} (it could make you start, load, read or send what you did not "
            f"choose); set it in your own {config_file}, or remove it here"
        )
    return SettingsError(
        f"{where}: {names} cannot be set here (an editor takes settings from repositories too, and these say what is "
        f"started, read, written or sent); set it in your own {config_file}"
    )
