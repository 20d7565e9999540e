"""What went wrong between a client and a server, in words: a failed connection, an error's body. Pure."""

from __future__ import annotations

import json
import ssl
from typing import cast

import httpx

from codeassist.json_object import parse_json


def kind_of(error: httpx.HTTPError) -> str:
    """What went wrong, in words that fit after "the server"."""
    match error:
        case httpx.ConnectError():
            return "cannot be reached"
        case httpx.RemoteProtocolError() | httpx.ReadError() | httpx.WriteError() | httpx.CloseError():
            return "the connection broke"
        case httpx.ProxyError():
            return "the proxy does not let it through"
        case _:
            return type(error).__name__


def is_about_certificate(error: BaseException | None) -> bool:
    """Whether a server's certificate was refused, somewhere in the chain of causes."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def complaint(content: bytes) -> str:
    """The message in an error's JSON, in the places where servers put it; else all of it."""
    try:
        value = parse_json(content)
    except ValueError:
        return text_of(content)
    for key in ("error", "message", "detail"):
        if isinstance(value, dict):
            value = cast("dict[str, object]", value).get(key, cast("object", value))
    return value if isinstance(value, str) else json.dumps(value)


def text_of(content: bytes, most_bytes: int = 1200) -> str:
    """The beginning of what a server said, as text."""
    return content[:most_bytes].decode("utf-8", "replace")
