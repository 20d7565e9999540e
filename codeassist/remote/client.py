"""An asynchronous client of one completions server: one request, asked again while that can help.

Knows neither prompts nor models. Owns its connections; use it as an async context manager.
"""

from __future__ import annotations

import json
import random
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TypeVar, cast

import anyio
import httpx

from codeassist.remote.endpoint import OWN_KEY, SHARED_KEY, Endpoint
from codeassist.remote.errors import RefusedError, RemoteError
from codeassist.remote.retry import RetryPolicy, retry_after_s
from codeassist.remote.wire import (
    UNKNOWN,
    Answer,
    Ask,
    Dialect,
    NotAnAnswer,
    ServedModel,
    read_answer,
    read_models,
    request_body,
)

T = TypeVar("T")

_CONNECT_S = 10.0
_MOST_BYTES = 16 << 20  # of a response: an answer of 4,096 tokens with everything around it is far smaller
_MOST_QUOTED = 300  # characters of what a server says
_TRY_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504})


class _TransientError(Exception):
    """An attempt that failed in a way that may pass."""

    def __init__(self, reason: str, asked_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.asked_s = asked_s


class CompletionsClient:
    """Asks one server. `timeout_s` bounds each attempt as a whole; `num_at_once` bounds the connections.

    Certificates are verified. Proxies and certificates come from the environment (HTTPS_PROXY, NO_PROXY,
    SSL_CERT_FILE), but a server on this machine is never asked through a proxy. Redirects are not followed: they could
    carry the key elsewhere. Cancelling a call closes its connection, and so ends the request on the server.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        timeout_s: float = 600.0,
        num_at_once: int = 16,
        policy: RetryPolicy | None = None,
        chooser: random.Random | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.timeout_s = timeout_s
        self.policy = policy or RetryPolicy()
        self._chooser = chooser or random.Random()
        headers = {"Authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {}
        limits = httpx.Limits(max_connections=num_at_once, max_keepalive_connections=num_at_once)
        self._http = httpx.AsyncClient(
            headers=headers,
            timeout=httpx.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s), pool=None),
            limits=limits,
            transport=httpx.AsyncHTTPTransport(limits=limits) if endpoint.is_loopback else None,  # no proxy then
            follow_redirects=False,
        )

    async def __aenter__(self) -> CompletionsClient:
        """Open nothing yet: connections are made as they are needed."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def complete(
        self, ask: Ask, model: str, dialect: Dialect = UNKNOWN, policy: RetryPolicy | None = None
    ) -> Answer:
        """Return the answer. Raises RefusedError where asking again would not help, RemoteError where it did not.

        `policy` replaces the client's own for this call.
        """
        started = time.perf_counter()
        body = request_body(ask, model, dialect)
        answer, num_retries = await self._until_read("POST", "/completions", body, read_answer, policy)
        return replace(answer, num_retries=num_retries, seconds=time.perf_counter() - started)

    async def models(self, policy: RetryPolicy | None = None) -> tuple[ServedModel, ...]:
        """Return the models that the server lists; errors as for `complete`."""
        found, _ = await self._until_read("GET", "/models", None, read_models, policy)
        return found

    async def _until_read(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        read: Callable[[object], T],
        policy: RetryPolicy | None,
    ) -> tuple[T, int]:
        """Send until an answer can be read; return it and how many attempts failed before."""
        started = time.monotonic()
        num_failed = 0
        while True:
            try:
                return read(await self._once(method, path, body)), num_failed
            except NotAnAnswer as error:
                failure = _TransientError(f"answers what cannot be read ({error})")
            except _TransientError as error:
                failure = error
            num_failed += 1
            wait_s = (policy or self.policy).wait_s(num_failed, failure.asked_s, self._chooser)
            if wait_s is None:
                asked = f"; it asks to wait {failure.asked_s:.0f} s" if failure.asked_s is not None else ""
                raise RemoteError(
                    f"{self.endpoint.url}{path}: {failure.reason}{asked}; asked {num_failed} times in "
                    f"{time.monotonic() - started:.0f} s. Is the server running, and is this its address?"
                )
            await anyio.sleep(wait_s)

    async def _once(self, method: str, path: str, body: Mapping[str, Any] | None) -> object:
        """One attempt: the JSON value of the response. Raises _TransientError or RefusedError."""
        try:
            with anyio.fail_after(self.timeout_s):
                async with self._http.stream(method, self.endpoint.url + path, json=body) as response:
                    content = await _read_bounded(response)
        except httpx.ConnectTimeout as error:
            raise _TransientError("cannot be reached (no connection in time)") from error
        except (TimeoutError, httpx.TimeoutException) as error:
            raise _TransientError(f"no answer within {self.timeout_s:g} s") from error
        except httpx.HTTPError as error:
            if _is_about_certificate(error):
                raise RefusedError(
                    f"{self.endpoint.url}: its certificate is not trusted ({self._quoted(str(error))}); name the file "
                    "of your authority's certificates in SSL_CERT_FILE"
                ) from error
            raise _TransientError(f"{_kind_of(error)} ({self._quoted(str(error))})") from error
        if response.is_success:
            try:
                return json.loads(content)
            except (ValueError, RecursionError) as error:
                raise _TransientError(f"answers what is no JSON: {self._quoted(_text(content))}") from error
        said = f"status {response.status_code}: {self._quoted(_complaint(content))}"
        if response.status_code in _TRY_AGAIN:
            asked_s = retry_after_s(response.headers.get("Retry-After"), datetime.now(UTC))
            raise _TransientError(said, asked_s)
        raise RefusedError(f"{self.endpoint.url}{path}: {said}{self._advice(response.status_code)}")

    def _advice(self, status: int) -> str:
        if status in (401, 403):
            if self.endpoint.key_withheld:
                return (
                    f". {SHARED_KEY} is not sent over an unencrypted connection to another machine: use https, or set "
                    f"{OWN_KEY}"
                )
            return f". Set {OWN_KEY} or {SHARED_KEY} to the server's key"
        if status == 404:
            return ". The address ends before /completions, mostly in /v1"
        if 300 <= status < 400:
            return ". Redirects are not followed: name the address that it leads to"
        return ""

    def _quoted(self, text: str) -> str:
        """A piece of what a server says, fit for one line of an error, without the key."""
        line = " ".join(self.endpoint.hide_key(text).split())
        printable = "".join(char if char.isprintable() else "\ufffd" for char in line)
        return printable[:_MOST_QUOTED] + ("…" if len(printable) > _MOST_QUOTED else "")


async def _read_bounded(response: httpx.Response) -> bytes:
    parts: list[bytes] = []
    num_bytes = 0
    async for part in response.aiter_bytes():
        parts.append(part)
        num_bytes += len(part)
        if num_bytes > _MOST_BYTES:
            raise _TransientError(f"answers more than {_MOST_BYTES >> 20} MiB")
    return b"".join(parts)


def _kind_of(error: httpx.HTTPError) -> str:
    match error:
        case httpx.ConnectError():
            return "cannot be reached"
        case httpx.RemoteProtocolError() | httpx.ReadError() | httpx.WriteError() | httpx.CloseError():
            return "the connection broke"
        case httpx.ProxyError():
            return "the proxy does not let it through"
        case _:
            return type(error).__name__


def _is_about_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _complaint(content: bytes) -> str:
    """The message in an error's JSON, in the places where servers put it; else all of it."""
    try:
        value: object = json.loads(content)
    except (ValueError, RecursionError):
        return _text(content)
    for key in ("error", "message", "detail"):
        if isinstance(value, dict):
            value = cast("dict[str, object]", value).get(key, cast("object", value))
    return value if isinstance(value, str) else json.dumps(value)


def _text(content: bytes) -> str:
    return content[: 4 * _MOST_QUOTED].decode("utf-8", "replace")
