"""How the server of the settings is reached: its address, the key for it, whose certificates and which proxy.

Keys come from the environment or the system's keyring; no text that is printed or logged holds one.
"""

from __future__ import annotations

import dataclasses
import ssl
from collections.abc import Mapping

import httpx

from codeassist.errors import SettingsError
from codeassist.remote.client import Route
from codeassist.remote.endpoint import Endpoint, checked_key, parse_endpoint
from codeassist.settings import RemoteSettings

_CONNECT_S = 2.0  # whoever types waits: a server that is away must not cost more before the local model is asked


def endpoint_of(remote: RemoteSettings, environment: Mapping[str, str]) -> Endpoint:
    """Return the address of a remote engine with its key. Raises SettingsError, which never holds the key."""
    if remote.url is None:
        raise SettingsError("remote.url names no server; set it to https://HOST/v1")
    if remote.keyring is not None:
        bare = parse_endpoint(remote.url, {})
        return dataclasses.replace(bare, api_key=_from_keyring(remote.keyring, httpx.URL(bare.url).host))
    if remote.key_env is not None:
        key = environment.get(remote.key_env)
        if not key:
            raise SettingsError(f"remote.key_env names {remote.key_env}, which is not set in the environment; set it")
        bare = parse_endpoint(remote.url, {})
        return dataclasses.replace(bare, api_key=checked_key(f"environment: {remote.key_env}", key))
    return parse_endpoint(remote.url, environment)


def route_of(remote: RemoteSettings) -> Route:
    """Return how the server is reached. Raises SettingsError for a file that holds no certificates."""
    return Route(_trusted(remote), _CONNECT_S)


def _trusted(remote: RemoteSettings) -> ssl.SSLContext | None:
    if remote.ca_file is None:
        return None
    context = httpx.create_ssl_context()
    try:
        context.load_verify_locations(remote.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"remote.ca_file: {remote.ca_file} cannot be read as certificates ({error}); name a PEM file"
        ) from error
    return context


def _from_keyring(service: str, user: str) -> str:
    try:
        import keyring
        import keyring.errors
    except ImportError as error:
        raise SettingsError(
            "remote.keyring needs the package keyring; `pip install keyring` beside codeassist, or set remote.key_env"
        ) from error
    try:
        key = keyring.get_password(service, user)
    except keyring.errors.KeyringError as error:
        raise SettingsError(
            f"remote.keyring: the system's keyring cannot be asked ({type(error).__name__}); unlock it, or set "
            "remote.key_env"
        ) from error
    if not key:
        raise SettingsError(f"remote.keyring: no key for {user}; run `keyring set {service} {user}`")
    return checked_key("the key in the keyring", key)
