"""Where a completions server is, and the key that it wants.

Keys come from the environment only, and no text that this program prints or writes ever holds one.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from codeassist.errors import SettingsError

OWN_KEY, SHARED_KEY = "CODEASSIST_API_KEY", "OPENAI_API_KEY"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server's address up to and with its version (`http://127.0.0.1:8000/v1`), and its key if it wants one.

    `key_withheld`: OPENAI_API_KEY is set, but was not taken because the connection is not encrypted.
    """

    url: str
    api_key: str | None = field(default=None, repr=False)
    key_withheld: bool = False

    @property
    def host(self) -> str:
        """The server's name or address, for people: with its port where that is not the usual one."""
        return httpx.URL(self.url).netloc.decode("ascii")

    @property
    def is_loopback(self) -> bool:
        """Whether the server runs on this machine."""
        return _is_loopback(httpx.URL(self.url).host)

    def hide_key(self, text: str) -> str:
        """The text without the key, which a server may quote in its complaint."""
        return text if self.api_key is None else text.replace(self.api_key, "***")


def parse_endpoint(url: str, environment: Mapping[str, str]) -> Endpoint:
    """Read an address as a user types it; without a path, `/v1` is meant. Raises SettingsError.

    The key is CODEASSIST_API_KEY, or OPENAI_API_KEY where the connection is encrypted or does not leave the machine:
    that one was probably made for somebody else's server.
    """
    try:
        parsed = httpx.URL(url.strip())
    except httpx.InvalidURL as error:
        raise SettingsError(f"{url}: not an address ({error}); write http://HOST:PORT/v1") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise SettingsError(f"{url}: not the address of a server; write http://HOST:PORT/v1")
    if parsed.userinfo or parsed.query or parsed.fragment:
        raise SettingsError(
            f"{parsed.copy_with(userinfo=b'', query=None, fragment=None)}: write the address without a user, "
            f"a query and a fragment; a key belongs into {OWN_KEY}"
        )
    path = parsed.path.rstrip("/") or "/v1"
    clean = str(parsed.copy_with(path=path))
    if own := environment.get(OWN_KEY):
        return Endpoint(clean, checked_key(f"environment: {OWN_KEY}", own))
    shared = environment.get(SHARED_KEY)
    if not shared:
        return Endpoint(clean)
    if parsed.scheme == "http" and not _is_loopback(parsed.host):
        return Endpoint(clean, key_withheld=True)
    return Endpoint(clean, checked_key(f"environment: {SHARED_KEY}", shared))


def checked_key(where: str, key: str) -> str:
    """The key without the white space around it. Raises SettingsError, without the key, for what cannot be one."""
    key = key.strip()
    if not key.isascii() or not key.isprintable():
        raise SettingsError(f"{where} holds characters that no key has; set it anew")
    return key


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
