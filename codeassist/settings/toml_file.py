"""A settings file read so that no text in it costs more than its size: a repository's file is a stranger's.

Python's own reader takes gigabytes for a key of 100,000 dotted parts, and ends the process for brackets that are nested
deeply enough. No settings file needs either.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from codeassist.errors import SettingsError
from codeassist.regular_file import NotRegularError, open_regular

MOST_BYTES = 64 << 10
MOST_DEPTH = 16
_MOST_DOTS = 16
_MOST_DIGITS = 100
# What a text is made of, strings and comments first: brackets and dots in them mean nothing. A string that is not
# closed goes on to where its end is looked for, so that no character is looked at twice; the text is no TOML then.
_PIECE = re.compile(
    r'''"""(?:[^\\"]|\\.|"(?!""))*+(?:""")? | \'\'\'(?:[^']|'(?!''))*+(?:\'\'\')? | "(?:[^"\\\n]|\\.)*+"? | '[^'\n]*+'?
        | \#[^\n]*+ | [\[\]{}] | \d[\d_]*+ | \. | \n''',
    re.VERBOSE | re.DOTALL,
)


def read_toml(file: Path) -> dict[str, object]:
    """Return what a settings file holds. Raises SettingsError for a file that is none."""
    try:
        with open_regular(file, follows_links=True) as stream:
            content = stream.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise SettingsError(f"{file}: larger than {MOST_BYTES >> 10} KiB, which no settings file is; shorten it")
        text = content.decode("utf-8")
    except NotRegularError as error:
        raise SettingsError(f"{file}: not a regular file; replace it by one") from error
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read ({error.strerror}); check its permissions") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file}: not UTF-8; save it as UTF-8") from error
    return parse_toml(file, text)


def parse_toml(file: Path, text: str) -> dict[str, object]:
    """Return what a text holds, which is called `file` in errors. Raises SettingsError for what is none."""
    _refuse_monsters(file, text)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: not valid TOML: {' '.join(str(error).split())[:200]}") from error
    except (ValueError, RecursionError) as error:  # a date that does not exist, a number that no machine holds
        raise SettingsError(f"{file}: not valid TOML ({type(error).__name__}); correct or remove it") from error


def _refuse_monsters(file: Path, text: str) -> None:
    """Raises SettingsError for what is nested, dotted or long as no settings are. Time is linear in the text."""
    depth = dots = 0
    for piece in _PIECE.finditer(text):
        found = piece[0]
        if found in "[{":
            depth += 1
        elif found in "]}":
            depth = max(0, depth - 1)
        elif found == ".":
            dots += 1
        elif found == "\n":
            dots = 0
        if depth > MOST_DEPTH or dots > _MOST_DOTS or (found[0].isdigit() and len(found) > _MOST_DIGITS):
            line = text.count("\n", 0, piece.start()) + 1
            raise SettingsError(f"{file}: line {line} is nested or longer than anything needs; correct or remove it")
