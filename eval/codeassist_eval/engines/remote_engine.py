"""A completions server as an engine of the evaluation: many tasks at once.

`codeassist.remote` asks the server. Here is what a run needs beside it: a tokenizer, settings, a thread.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anyio.from_thread import start_blocking_portal

from codeassist.completion.pipeline import Prompter
from codeassist.errors import ModelError
from codeassist.models.model_choice import find_model
from codeassist.progress import Progress
from codeassist.prompts.prompt import Budget
from codeassist.remote.client import CompletionsClient
from codeassist.remote.detect import detect
from codeassist.remote.endpoint import parse_endpoint
from codeassist.remote.retry import RetryPolicy
from codeassist.remote.session import RemoteGenerator, RemoteSession
from codeassist.remote.tokenizer_files import load_tokenizer
from codeassist.settings import Settings
from codeassist.tokenization.tokens import Tokenizer
from codeassist_eval.engines.local_engine import evaluation_settings
from codeassist_eval.runs.schedule import Limits
from codeassist_eval.tasks.completer import PipelineCompleter


@dataclass(frozen=True, slots=True)
class RemoteOptions:
    """Which server, and how it is asked. `tokenizer`: a model of the registry, or a folder or file that has one."""

    url: str
    tokenizer: str | None = None
    num_at_once: int = 16
    timeout_s: float = 600.0
    num_retries: int = 9


@dataclass(frozen=True, slots=True)
class RemoteEngine:
    """A server that has been asked what it can do."""

    settings: Settings
    generator: RemoteGenerator
    tokenizer_sha256: str

    def open(self, progress: Progress) -> PipelineCompleter:
        """It is open already."""
        return PipelineCompleter(self.generator, self.generator.num_at_once)

    @property
    def model_name(self) -> str:
        """What the server calls the model."""
        return self.generator.session.capabilities.model

    @property
    def model_sha256(self) -> str | None:
        """A server does not say."""
        return None

    @property
    def facts(self) -> dict[str, Any]:
        """Where the server was and what it is; a run may go on with the same model at another address."""
        capabilities = self.generator.session.capabilities
        return {
            "server": {
                "url": self.generator.session.client.endpoint.url,
                "kind": capabilities.dialect.name,
                "max_tokens": capabilities.max_tokens,
                "at_once": self.generator.num_at_once,
                "notices": list(capabilities.notices),
            }
        }

    def costs(self) -> dict[str, Any]:
        """Return how often a request had to be repeated, and whether the server told what it had cached.

        Where it did not, the `cached_tokens` of the records are 0 and mean nothing.
        """
        counts = self.generator.session.answer_counts
        told = bool(counts.num_answers) and counts.num_with_cached == counts.num_answers
        return {"server": {"retries": counts.num_retries, "cached_tokens_told": told}}

    @property
    def cache_folder(self) -> Path:
        """Where repositories and indexes of evaluations are kept."""
        return self.settings.places.cache / "eval"

    def recorded_settings(self, limits: Limits) -> dict[str, Any]:
        """Return what makes the prompts and the answers what they are, as far as it is known on this side."""
        return {
            "engine": "remote",
            "prompts": "token ids" if self.generator.session.capabilities.takes_ids else "text",
            "tokenizer_sha256": self.tokenizer_sha256,
            "context_tokens": self.settings.model.context_tokens,
            "context": dataclasses.asdict(self.settings.context),
            "limits": dataclasses.asdict(limits),
        }


@contextmanager
def remote_engine(
    options: RemoteOptions, model: str | None, assignments: Sequence[str], limits: Limits, progress: Progress
) -> Iterator[RemoteEngine]:
    """Find the server and what it can do; at the end, cancel what is under way and close every connection.

    `model` is the server's name for it; None where it serves one only. Raise SettingsError or ModelError.
    """
    endpoint = parse_endpoint(options.url, os.environ)
    settings = evaluation_settings(None, assignments, limits)
    tokenizer, sha256 = _tokenizer(options.tokenizer, settings, progress)
    with start_blocking_portal("asyncio") as portal:
        client = CompletionsClient(
            endpoint,
            timeout_s=options.timeout_s,
            num_at_once=options.num_at_once,
            policy=RetryPolicy(max_attempts=1 + options.num_retries),
        )
        with portal.wrap_async_context_manager(client):
            capabilities = portal.call(detect, client, model, tokenizer)
            context_tokens, longest = settings.model.context_tokens, capabilities.max_tokens
            if longest is not None and context_tokens + limits.max_new_tokens > longest:
                raise ModelError(
                    f"{endpoint.url}: {capabilities.model} sees {longest} tokens there, too few for prompts of "
                    f"{context_tokens} and {limits.max_new_tokens} new ones; add "
                    f"--set model.context_tokens={longest - limits.max_new_tokens}"
                )
            budget = Budget(context_tokens)
            session = RemoteSession(client, capabilities, Prompter(tokenizer, capabilities.template, budget))
            yield RemoteEngine(settings, RemoteGenerator(session, portal, options.num_at_once), sha256)


def _tokenizer(named: str | None, settings: Settings, progress: Progress) -> tuple[Tokenizer, str]:
    """The tokenizer, and a hash of what it was read from."""
    if named is not None and (Path(named).is_dir() or Path(named).is_file()):
        path = Path(named)
        file = path / "tokenizer.json" if path.is_dir() else path
        if not file.is_file():
            raise ModelError(f"{path}: holds no tokenizer.json (--tokenizer)")
        with file.open("rb") as content:
            return load_tokenizer(path), hashlib.file_digest(content, "sha256").hexdigest()
    if named is not None:
        settings = dataclasses.replace(settings, model=dataclasses.replace(settings.model, name=named))
    model, _ = find_model(settings, progress)
    return load_tokenizer(model.path), model.sha256
