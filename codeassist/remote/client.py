"""An asynchronous client of one completions server: one request, asked again while that can help.

Owns its connections; use it as an async context manager.
"""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TypeVar

import anyio
import httpx

from codeassist.json_object import parse_json
from codeassist.remote.endpoint import OWN_KEY, SHARED_KEY, Endpoint
from codeassist.remote.errors import RefusedError, RemoteError
from codeassist.remote.events import EventReader
from codeassist.remote.failures import complaint, is_about_certificate, kind_of, text_of
from codeassist.remote.openai_api import (
    UNKNOWN,
    Answer,
    CompletionPayload,
    Dialect,
    NotAnAnswer,
    Piece,
    ServedModel,
    read_answer,
    read_models,
    read_piece,
    request_body,
)
from codeassist.remote.retry import RetryPolicy, retry_after_s

T = TypeVar("T")
Reader = Callable[[Piece], bool]

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


@dataclass(frozen=True, slots=True)
class Route:
    """How a server is reached: the authorities that are trusted, None for the system's and SSL_CERT_FILE; how long a
    connection may take. The environment's HTTPS_PROXY and NO_PROXY say through which proxy."""

    trusted: ssl.SSLContext | None = None
    connect_s: float = _CONNECT_S


class CompletionsClient:
    """Asks one server. `timeout_s` bounds each attempt as a whole; `num_at_once` bounds the connections.

    Certificates are verified. A server on this machine is never asked through a proxy. Redirects are not followed:
    they could carry the key elsewhere. Cancelling a call closes its connection, and so ends the request on the server.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        timeout_s: float = 600.0,
        num_at_once: int = 16,
        policy: RetryPolicy | None = None,
        chooser: random.Random | None = None,
        route: Route | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.timeout_s = timeout_s
        self.policy = policy or RetryPolicy()
        self._chooser = chooser or random.Random()
        route = route or Route()
        verify = route.trusted or True
        headers = {"Authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {}
        limits = httpx.Limits(max_connections=num_at_once, max_keepalive_connections=num_at_once)
        self._http = httpx.AsyncClient(
            headers=headers,
            timeout=httpx.Timeout(timeout_s, connect=min(route.connect_s, timeout_s), pool=None),
            limits=limits,
            verify=verify,
            # With a transport of its own it asks no proxy.
            transport=httpx.AsyncHTTPTransport(limits=limits, verify=verify) if endpoint.is_loopback else None,
            follow_redirects=False,
        )

    async def __aenter__(self) -> CompletionsClient:
        """Open nothing yet: connections are made as they are needed."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Close every connection."""
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def complete(
        self, ask: CompletionPayload, model: str, dialect: Dialect = UNKNOWN, policy: RetryPolicy | None = None
    ) -> Answer:
        """Return the answer. Raises RefusedError where asking again would not help, RemoteError where it did not.

        `policy` replaces the client's own for this call.
        """
        started = time.perf_counter()
        body = request_body(ask, model, dialect)

        async def attempt() -> Answer:
            return read_answer(await self._value("POST", "/completions", body))

        answer, num_retries = await self._until_read("/completions", attempt, policy)
        return replace(answer, num_retries=num_retries, seconds=time.perf_counter() - started)

    async def stream(
        self,
        ask: CompletionPayload,
        model: str,
        dialect: Dialect,
        begin: Callable[[], Reader],
        *,
        first_token_s: float,
        policy: RetryPolicy | None = None,
        on_sent: Callable[[], None] = lambda: None,
    ) -> Answer:
        """Read an answer while it is written, until it ends or its reader wants no more of it; errors as `complete`.

        `begin` makes the reader of each attempt: what breaks off is asked for again from its start. A server that says
        nothing for `first_token_s` counts as one that does not answer. `on_sent` is called as the prompt leaves.
        """
        started = time.perf_counter()
        body = request_body(ask, model, dialect, stream=True)

        async def trace(event: str, details: Mapping[str, Any]) -> None:
            if event.endswith("send_request_body.started") and details["request"].method == b"POST":  # no CONNECT
                on_sent()

        async def attempt() -> Answer:
            return await self._read_stream(body, begin(), first_token_s, trace, started)

        answer, num_retries = await self._until_read("/completions", attempt, policy)
        return replace(answer, num_retries=num_retries, seconds=time.perf_counter() - started)

    async def models(self, policy: RetryPolicy | None = None) -> tuple[ServedModel, ...]:
        """Return the models that the server lists; errors as for `complete`."""

        async def attempt() -> tuple[ServedModel, ...]:
            return read_models(await self._value("GET", "/models", None))

        found, _ = await self._until_read("/models", attempt, policy)
        return found

    async def metrics(self) -> str | None:
        """Return what the server counts, as text in Prometheus' format; None where it does not say. Asked once."""
        root = self.endpoint.url.removesuffix("/v1")
        try:
            async with self._sent("GET", f"{root}/metrics", None) as response:
                return text_of((await _read_bounded(response)), _MOST_BYTES) if response.is_success else None
        except (_TransientError, RefusedError):
            return None

    async def _until_read(
        self, path: str, attempt: Callable[[], Awaitable[T]], policy: RetryPolicy | None
    ) -> tuple[T, int]:
        """Make attempts until one succeeds; return its result and how many failed before."""
        started = time.monotonic()
        num_failed = 0
        while True:
            try:
                return await attempt(), num_failed
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

    async def _value(self, method: str, path: str, body: Mapping[str, Any] | None) -> object:
        """One attempt: the JSON value of the response. Raises _TransientError or RefusedError."""
        async with self._sent(method, self.endpoint.url + path, body) as response:
            content = await _read_bounded(response)
            self._require_success(response, content, path)
        return self._parsed(content)

    async def _read_stream(
        self, body: Mapping[str, Any], reader: Reader, first_token_s: float, trace: object, started: float
    ) -> Answer:
        """One attempt to read a stream. Raises _TransientError, RefusedError or NotAnAnswer."""
        texts: list[str] = []
        answer = Answer("", "")
        events = EventReader(_MOST_BYTES)
        with anyio.CancelScope(deadline=anyio.current_time() + first_token_s) as silence:
            async with self._sent("POST", f"{self.endpoint.url}/completions", body, {"trace": trace}) as response:
                if not response.is_success:
                    self._require_success(response, await _read_bounded(response), "/completions")
                async for part in response.aiter_bytes():
                    try:
                        found = events.feed(part)
                    except ValueError as error:
                        raise _TransientError(str(error)) from error
                    for data in found:
                        if data == b"[DONE]":
                            return replace(answer, text="".join(texts), finish_reason=answer.finish_reason or "stop")
                        piece = read_piece(self._parsed(data))
                        silence.deadline = float("inf")
                        if piece.text and answer.first_s is None:
                            answer = replace(answer, first_s=time.perf_counter() - started)
                        texts.append(piece.text)
                        answer = _with_counts(answer, piece)
                        if not reader(piece):
                            return replace(answer, text="".join(texts))
            if not events.num_bytes:
                raise _TransientError("answers nothing")
            return _ended(answer, texts)
        raise _TransientError(f"is silent for {first_token_s:g} s")

    @asynccontextmanager
    async def _sent(
        self, method: str, url: str, body: Mapping[str, Any] | None, extensions: Mapping[str, object] | None = None
    ) -> AsyncGenerator[httpx.Response, None]:
        """The response to one attempt while it is read. Raises _TransientError or RefusedError."""
        try:
            with anyio.fail_after(self.timeout_s):
                async with self._http.stream(
                    method, url, json=body, extensions=None if extensions is None else dict(extensions)
                ) as response:
                    yield response
        except httpx.ConnectTimeout as error:
            raise _TransientError("cannot be reached (no connection in time)") from error
        except (TimeoutError, httpx.TimeoutException) as error:
            raise _TransientError(f"no answer within {self.timeout_s:g} s") from error
        except httpx.HTTPError as error:
            if is_about_certificate(error):
                raise RefusedError(
                    f"{self.endpoint.url}: its certificate is not trusted ({self._quoted(str(error))}); name the file "
                    "of your authority's certificates in SSL_CERT_FILE or remote.ca_file"
                ) from error
            raise _TransientError(f"{kind_of(error)} ({self._quoted(str(error))})") from error

    def _require_success(self, response: httpx.Response, content: bytes, path: str) -> None:
        if response.is_success:
            return
        said = f"status {response.status_code}: {self._quoted(complaint(content))}"
        if response.status_code in _TRY_AGAIN:
            asked_s = retry_after_s(response.headers.get("Retry-After"), datetime.now(UTC))
            raise _TransientError(said, asked_s)
        raise RefusedError(f"{self.endpoint.url}{path}: {said}{self._advice(response.status_code)}")

    def _parsed(self, content: bytes) -> object:
        try:
            return parse_json(content)
        except ValueError as error:
            raise _TransientError(f"answers what is no JSON: {self._quoted(text_of(content))}") from error

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


def _with_counts(answer: Answer, piece: Piece) -> Answer:
    """The answer with what an event says of it; what it does not say stays."""
    return replace(
        answer,
        finish_reason=piece.finish_reason or answer.finish_reason,
        num_prompt_tokens=answer.num_prompt_tokens if piece.num_prompt_tokens is None else piece.num_prompt_tokens,
        num_cached_tokens=answer.num_cached_tokens if piece.num_cached_tokens is None else piece.num_cached_tokens,
        num_new_tokens=answer.num_new_tokens if piece.num_new_tokens is None else piece.num_new_tokens,
    )


def _ended(answer: Answer, texts: list[str]) -> Answer:
    """The whole answer, if the server said that it is. Raises _TransientError for one that broke off."""
    if not answer.finish_reason:
        raise _TransientError("the connection broke (the answer breaks off)")
    return replace(answer, text="".join(texts))


async def _read_bounded(response: httpx.Response) -> bytes:
    parts: list[bytes] = []
    num_bytes = 0
    async for part in response.aiter_bytes():
        parts.append(part)
        num_bytes += len(part)
        if num_bytes > _MOST_BYTES:
            raise _TransientError(f"answers more than {_MOST_BYTES >> 20} MiB")
    return b"".join(parts)
