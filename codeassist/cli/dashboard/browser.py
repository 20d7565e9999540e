"""The user's browser: started by the system's own program for that, which is never one of the current folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from codeassist.processes import child_environment, child_folder, find_program

_OPENERS: dict[str, Sequence[str]] = {"darwin": ("open",), "win32": ("rundll32", "url.dll,FileProtocolHandler")}
_ELSEWHERE = ("xdg-open",)


def open_in_browser(url: str) -> bool:
    """Show an address in the user's browser; return False where none can be started, for want of a screen say."""
    name, *arguments = _OPENERS.get(sys.platform, _ELSEWHERE)
    has_screen = sys.platform in _OPENERS or any(os.environ.get(each) for each in ("DISPLAY", "WAYLAND_DISPLAY"))
    opener = find_program(name)
    if opener is None or not has_screen:
        return False
    try:
        subprocess.Popen(
            [opener, *arguments, url],
            cwd=child_folder([opener]),
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    return True
