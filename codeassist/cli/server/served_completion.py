"""A completion from a running server of the user's, which has its model loaded already.

A server that is busy, hangs or dies costs seconds at most: then nobody answered, and the notice says why.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from codeassist.cli.sessions.completion_run import Outcome, ServerNote
from codeassist.completion.completion_json import from_document
from codeassist.models.model_choice import find_model
from codeassist.progress import Progress
from codeassist.request import CompletionRequest
from codeassist.settings import Settings

if TYPE_CHECKING:
    from codeassist_lsp.handlers.cli_request import CliRequest
    from codeassist_lsp.sharing.server_client import ServerClient

log = logging.getLogger(__name__)

_MOST_S = 180.0  # a server that says that it works is hardly slower than this process would be
_QUEUE_S = 3.0  # another client's request may be worked on before ours


@dataclass(frozen=True, slots=True)
class NobodyAnswered:
    """Why no server did. `is_notable`: one should have."""

    reason: str
    is_notable: bool = False


def ask_servers(
    request: CompletionRequest, root: Path | None, settings: Settings, progress: Progress
) -> Outcome | NobodyAnswered:
    """Return the answer of the first running server that would say what this process would. Raises ModelError for a
    model that is not installed."""
    from codeassist_lsp.sharing.server_client import NoAnswer, ServerClient
    from codeassist_lsp.transport.addresses import reachable

    reasons: list[str] = []
    asked: CliRequest | None = None
    model_notices: tuple[str, ...] = ()
    for address, connection in reachable(settings.places.run):
        with ServerClient(address, connection) as server:
            if asked is None:
                asked, model_notices = _script_request(request, root, settings, progress)
            try:
                answer = _ask(server, asked, progress)
                if "refused" in answer:
                    reasons.append(f"process {address.pid} cannot: {answer['refused']}")
                    continue
                return _outcome(answer, address.pid, model_notices)
            except (NoAnswer, KeyError, TypeError) as error:
                log.debug("no answer", exc_info=True)
                what = str(error) if isinstance(error, NoAnswer) else f"process {address.pid} answers otherwise"
                return NobodyAnswered(f"{what}; the model was loaded anew", is_notable=True)
    return NobodyAnswered("; ".join(reasons) or "no server runs")


def _script_request(
    request: CompletionRequest, root: Path | None, settings: Settings, progress: Progress
) -> tuple[CliRequest, tuple[str, ...]]:
    from codeassist_lsp.handlers.cli_request import CliRequest, loaded_with

    model, notices = find_model(settings, progress)
    loaded = loaded_with(settings)
    asked = CliRequest(request, root, model.name, loaded, settings.context.mode, settings.index.exclude)
    return asked, notices


def _ask(server: ServerClient, asked: CliRequest, progress: Progress) -> dict[str, Any]:
    from codeassist_lsp.handlers.cli_request import METHOD
    from codeassist_lsp.sharing.server_client import NoAnswer

    queued_at_s: float | None = None

    def on_alive(state: Mapping[str, Any]) -> None:
        nonlocal queued_at_s
        stage = str(state.get("stage"))
        progress(f"server: {stage}", 0, None)
        if stage != "queue":
            queued_at_s = None
            return
        queued_at_s = queued_at_s or time.monotonic()
        if time.monotonic() - queued_at_s > _QUEUE_S:
            raise NoAnswer(f"the server at {server.address} is busy")

    server.greet()
    answer = server.request(METHOD, asked.to_params(), _MOST_S, on_alive)
    if not isinstance(answer, dict):
        raise TypeError("no object")
    return cast("dict[str, Any]", answer)


def _outcome(answer: Mapping[str, Any], pid: int, notices: tuple[str, ...]) -> Outcome:
    completion = from_document(answer)
    completion = completion.after(*notices)
    return Outcome(completion, dict(answer["startup_ms"]), ServerNote(pid=pid))
