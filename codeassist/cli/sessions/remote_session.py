"""The remote engine that the settings name: connected when it is first needed, with the local model beside it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio

from codeassist.cli.sessions.analyses import AnalysisServices
from codeassist.completion.completer import Completer
from codeassist.errors import ModelError
from codeassist.remote.client import CompletionsClient
from codeassist.remote.connection import endpoint_of, route_of
from codeassist.remote.detect import detect
from codeassist.remote.endpoint import Endpoint
from codeassist.remote.errors import RemoteError
from codeassist.remote.fallback import Patience, RemoteWithFallback
from codeassist.remote.features import detect_features
from codeassist.remote.policy import RemotePolicy
from codeassist.remote.redactors import Redactors
from codeassist.remote.retry import RetryPolicy
from codeassist.remote.session import RemoteSession
from codeassist.remote.tokenizer_files import tokenizer_of
from codeassist.request import CompletionRequest, Snippet
from codeassist.settings import Settings

if TYPE_CHECKING:
    from codeassist_indexer.open_document.reader import DocumentReader

_NUM_QUESTIONS = 2  # what a server can do is asked in some short requests: so many times the time of a completion
_ROOM = 64  # drafts and the server's own tokens


def open_remote(settings: Settings, open_local: Callable[[], Completer]) -> RemoteWithFallback:
    """Return the engine that `settings.remote` names; nothing is asked of it yet. Raises SettingsError."""
    from codeassist_indexer.ingest.private_files import PrivateFiles
    from codeassist_indexer.open_document.reader import READER

    remote = settings.remote
    endpoint, route = endpoint_of(remote, os.environ), route_of(remote)
    patience = Patience.within(remote.timeout_ms / 1e3)

    async def connect() -> RemoteSession:
        client = CompletionsClient(endpoint, timeout_s=patience.timeout_s, policy=patience.policy, route=route)
        try:
            return await _session(client, settings)
        except BaseException:
            await client.close()
            raise

    return RemoteWithFallback(
        endpoint.host,
        RemotePolicy(remote.repositories, PrivateFiles(remote.repositories, settings.index.exclude).why),
        connect,
        open_local,
        patience,
        falls_back=remote.fallback,
        notices=_notices(endpoint),
        redactors=redactors(READER),
        analysts=AnalysisServices(settings),
    )


async def _session(client: CompletionsClient, settings: Settings) -> RemoteSession:
    from codeassist.completion.pipeline import Prompter
    from codeassist.prompts.prompt import Budget
    from codeassist.prompts.templates import named

    remote = settings.remote
    seconds = remote.timeout_ms / 1e3
    with _within(seconds, client.endpoint):  # a server that is away is noticed before the tokenizer is loaded
        await client.models(RetryPolicy(1))
    tokenizer = tokenizer_of(settings)
    own = settings.models.get(remote.tokenizer)
    template = None if own is None or own.template is None else named(own.template, tokenizer.special)
    wanted = None if remote.model == "auto" else remote.model
    with _within(_NUM_QUESTIONS * seconds, client.endpoint):
        capabilities = await detect(client, wanted, tokenizer, template)
        features = await detect_features(client, capabilities.model, capabilities.dialect)
    total = remote.context_tokens or settings.model.context_tokens
    if capabilities.max_tokens is not None:
        total = min(total, capabilities.max_tokens - settings.completion.max_new_tokens - _ROOM)
    if total < 64:
        raise ModelError(
            f"{client.endpoint.host}: {capabilities.model} sees {capabilities.max_tokens} tokens there, too few; lower "
            "completion.max_new_tokens"
        )
    found = dataclasses.replace(capabilities, features=features)
    return RemoteSession(client, found, Prompter(tokenizer, found.template, Budget(total)))


@contextmanager
def _within(seconds: float, endpoint: Endpoint) -> Generator[None, None, None]:
    """Raises RemoteError where what stands inside takes longer."""
    try:
        with anyio.fail_after(seconds):
            yield
    except TimeoutError as error:
        raise RemoteError(
            f"{endpoint.host}: did not say within {seconds:g} s what it can do; raise remote.timeout_ms if it is slow"
        ) from error


def redactors(reader: DocumentReader) -> Redactors:
    """Return what clears texts as they may leave this machine: the reader's process looks for keys and passwords.

    One that is being written at the cursor is one from its first character on.
    """

    def request(request: CompletionRequest) -> CompletionRequest | None:
        found = reader.cleared_around(request.prefix, request.suffix, request.path)
        return None if found is None else dataclasses.replace(request, prefix=found[0], suffix=found[1])

    def snippet(snippet: Snippet) -> Snippet | None:
        text = reader.cleared(snippet.text, snippet.path)
        return None if text is None else dataclasses.replace(snippet, text=text)

    return Redactors(request, snippet)


def _notices(endpoint: Endpoint) -> tuple[str, ...]:
    if endpoint.url.startswith("https:") or endpoint.is_loopback:
        return ()
    return (f"the connection to {endpoint.host} is not encrypted: whoever is in between can read what is sent",)
