"""What tests of remote engines share: a local completer without a model, and an engine that asks the tests' server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from codeassist.completion.completer import one_after_the_other
from codeassist.completion.document_state import DocumentState
from codeassist.completion.pipeline import Job, Prompter, never
from codeassist.monitor.monitor_set import AnalysisSource
from codeassist.prompts.prompt import Budget
from codeassist.remote.breaker import Breaker
from codeassist.remote.client import CompletionsClient
from codeassist.remote.detect import detect
from codeassist.remote.endpoint import parse_endpoint
from codeassist.remote.fallback import Patience, RemoteWithFallback
from codeassist.remote.features import detect_features
from codeassist.remote.policy import KeepsHere, RemotePolicy
from codeassist.remote.redactors import Redactors
from codeassist.remote.session import RemoteSession
from codeassist.request import Completion, CompletionRequest, Retriever, Trace
from codeassist.tokenization.tokens import Tokenizer

PATIENCE = Patience(first_token_s=0.3, timeout_s=20.0, num_retries=1)


@dataclass
class Local:
    """The local model's place: answers "local"."""

    model_name: str = "own"
    notices: tuple[str, ...] = ()
    problem: None = None
    engine: None = None
    requests: list[CompletionRequest] = field(default_factory=list)
    is_closed: bool = False

    def complete(
        self,
        request: CompletionRequest,
        retriever: Retriever,
        cancelled: Callable[[], bool] = never,
        document: DocumentState | None = None,
    ) -> Completion:
        self.requests.append(request)
        return Completion("local", "local", "eos", "own", trace=Trace(num_prompt_tokens=1, num_new_tokens=1))

    def alternatives(self, job: Job, num_wanted: int) -> Iterator[Completion]:
        return one_after_the_other(self, job, num_wanted)

    def warm(self, request: CompletionRequest, document: DocumentState) -> None:
        pass

    def close(self) -> None:
        self.is_closed = True


def engine_at(
    url: str,
    tokenizer: Tokenizer,
    local: Local,
    *,
    repositories: tuple[str, ...] = ("*",),
    patience: Patience = PATIENCE,
    falls_back: bool = True,
    breaker: Breaker | None = None,
    environment: dict[str, str] | None = None,
    with_features: bool = False,
    analysts: AnalysisSource | None = None,
    keeps_here: KeepsHere = lambda request: None,
    redactors: Redactors = Redactors(),  # noqa: B008
    context_tokens: int = 200,
) -> RemoteWithFallback:
    """An engine whose first connection has as much time as it needs."""
    endpoint = parse_endpoint(url, environment or {})

    async def connect() -> RemoteSession:
        client = CompletionsClient(endpoint, timeout_s=patience.timeout_s, policy=patience.policy)
        try:
            found = await detect(client, None, tokenizer)
            if with_features:
                found = replace(found, features=await detect_features(client, found.model, found.dialect))
        except BaseException:
            await client.close()
            raise
        return RemoteSession(client, found, Prompter(tokenizer, found.template, Budget(context_tokens)))

    return RemoteWithFallback(
        endpoint.host,
        RemotePolicy(repositories, keeps_here),
        connect,
        lambda: local,
        patience,
        falls_back=falls_back,
        breaker=breaker,
        analysts=analysts,
        redactors=redactors,
    )
