"""Heads of functions made shorter without losing a parameter: types go first, then long defaults."""

from __future__ import annotations

import re
from collections.abc import Iterator

_COMMENT = re.compile(r"#[^\n]*")
_SPACES = re.compile(r"\s+")
_OPEN, _CLOSE = "([{<", ")]}>"
_MOST_DEFAULT_CHARS = 24


def shortened(head: str, most_chars: int) -> str:
    """Return a head `f(a: T = d, …) -> R` of at most about so many characters, as it is if it is short enough.

    Without the parameters' types where it is longer, as Python and TypeScript write them; what is longer still is cut
    after a whole parameter.
    """
    if len(head) <= most_chars:
        return head
    opened = head.find("(")
    parts = list(_parts(head, opened + 1)) if opened >= 0 else []
    if not parts:
        return head[: most_chars - 1] + "…"
    end = opened + 1 + sum(len(part) + 1 for part in parts)
    tail = head[end - 1 :]
    names = [_without_type(part) for part in parts if part.strip()]
    short = f"{head[: opened + 1]}{', '.join(names)}{tail}"
    while len(short) > most_chars and len(names) > 1:
        names.pop()
        short = f"{head[: opened + 1]}{', '.join(names)}, …)"
    return short


def head_in(text: str, most_chars: int) -> str:
    """Return the head of a function that `text` begins with, on one line; "" where it does not end in it."""
    opened = text.find("(")
    if opened < 0:
        return ""
    parts = list(_parts(_COMMENT.sub("", text), opened + 1))
    plain = _COMMENT.sub("", text)
    end = opened + 1 + sum(len(part) + 1 for part in parts)
    if not parts or plain[end - 1 : end] != ")":
        return ""
    rest = plain[end:].split("\n", 1)[0]
    returned = rest[: rest.rfind(":")] if rest.rstrip().endswith(":") else rest.partition("{")[0]
    return shortened(_SPACES.sub(" ", plain[:end] + returned).replace("( ", "(").replace(", )", ")"), most_chars)


def _parts(text: str, start: int) -> Iterator[str]:
    """Yield what stands between the commas of a bracket that is open at `start`, up to where it is closed."""
    depth, begin, quote = 0, start, ""
    for at in range(start, len(text)):
        char = text[at]
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char in _OPEN:
            depth += 1
        elif char in _CLOSE and not (char == ">" and text[at - 1] in "-="):
            if depth == 0:
                yield text[begin:at]
                return
            depth -= 1
        elif char == "," and depth == 0:
            yield text[begin:at]
            begin = at + 1


def _without_type(parameter: str) -> str:
    """Return `name=default` of `name: T = default`; a default that is long is `…`."""
    name, _, rest = parameter.strip().partition(":")
    if "=" in name:  # no type: the colon belongs to the default
        name, _, default = parameter.strip().partition("=")
        return f"{name.strip()}={_short(default.strip())}"
    if not rest:
        return name.strip()
    depth = 0
    for at, char in enumerate(rest):
        depth += (char in _OPEN) - (char in _CLOSE and rest[at - 1 : at] not in ("-", "="))
        if char == "=" and depth == 0 and rest[at + 1 : at + 2] not in ("=", ">"):
            return f"{name.strip()}={_short(rest[at + 1 :].strip())}"
    return name.strip()


def _short(default: str) -> str:
    return default if len(default) <= _MOST_DEFAULT_CHARS else "…"
