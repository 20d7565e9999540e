"""Characters that a reader does not see and a terminal obeys: escapes, bidirectional and zero-width controls.

A file of a stranger's repository may hold an escape sequence that writes to the clipboard, or bidirectional controls
that make code read as other code ("Trojan Source: Invisible Vulnerabilities", Boucher and Anderson, 2021).
"""

from __future__ import annotations

import re

# C0 but tab and line ends (a carriage return alone goes back over its line), DEL, C1, soft hyphen, Arabic letter mark,
# zero-width and bidirectional controls, the byte order mark, interlinear annotations, tags, and lone surrogates.
_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]|\r(?!\n)"
)


def escaped(text: str) -> str:
    r"""Return a text with each control character as Python spells it (`\x1b`, `\u202e`); tabs and line ends stay."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode("ascii"), text)


def json_escaped(document: str) -> str:
    r"""Return a JSON text with the control characters in its strings as `\uXXXX`: the same document."""
    return _CONTROL.sub(lambda found: _json_escape(ord(found[0])), document)


def brings_control_characters(text: str, before: str, after: str) -> bool:
    """Whether a text holds a control character that the text around its place does not hold already."""
    return any(found not in before and found not in after for found in set(_CONTROL.findall(text)))


def _json_escape(code: int) -> str:
    if code < 0x10000:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
