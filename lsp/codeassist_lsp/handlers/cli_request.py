"""What a program asks a running server: a completion with settings of its own, as the command line resolved them.

A server answers only if a process of the program's own would say the same: with the same model, loaded alike.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codeassist.errors import RequestError
from codeassist.request import CompletionRequest
from codeassist.settings import IndexSettings, Settings

METHOD = "codeassist/complete"
_REQUEST_TYPES: dict[str, tuple[type, ...]] = {
    "path": (str,),
    "prefix": (str,),
    "suffix": (str,),
    "repository": (str,),
    "max_new_tokens": (int,),
    "max_lines": (int, type(None)),
    "monitor_deadline_ms": (int, float, type(None)),
}


@dataclass(frozen=True, slots=True)
class CliRequest:
    """A request, the repository that it is about (None: none), and what must hold of the server that answers."""

    request: CompletionRequest
    root: Path | None
    model: str
    loaded_with: Mapping[str, object]
    context_mode: str
    exclude: tuple[str, ...]

    def to_params(self) -> dict[str, Any]:
        """Return the request as plain JSON."""
        return {
            **{name: getattr(self.request, name) for name in _REQUEST_TYPES},
            "root": None if self.root is None else str(self.root),
            "model": self.model,
            "loaded_with": dict(self.loaded_with),
            "context_mode": self.context_mode,
            "exclude": list(self.exclude),
        }

    def settings(self, served: Settings) -> Settings:
        """Return a server's settings with what the request says about context and index."""
        mode: Any = self.context_mode
        context = dataclasses.replace(served.context, mode=mode, rounds=1)
        return dataclasses.replace(served, context=context, index=IndexSettings(self.exclude))


def from_params(params: object) -> CliRequest:
    """Return the request that came as JSON. Raises RequestError for what is none."""
    if not isinstance(params, Mapping):
        raise RequestError(f"{METHOD}: its parameters are no object")
    fields = {name: _get(params, name, *types) for name, types in _REQUEST_TYPES.items()}
    exclude = _get(params, "exclude", list)
    mode = _get(params, "context_mode", str)
    if mode not in ("learned", "full", "lexical", "none") or not all(isinstance(pattern, str) for pattern in exclude):
        raise RequestError(f"{METHOD}: wrong parameters")
    root = _get(params, "root", str, type(None))
    return CliRequest(
        CompletionRequest(**fields, root=root),
        None if root is None else Path(root),
        _get(params, "model", str),
        dict(_get(params, "loaded_with", Mapping)),
        mode,
        tuple(exclude),
    )


def loaded_with(settings: Settings) -> dict[str, object]:
    """Return what of a server's settings changes what it says and is not for a request to choose."""
    return {
        "model.device": settings.model.device,
        "model.format": settings.model.format,
        "model.context_tokens": settings.model.context_tokens,
        "context.encoder": None if settings.context.encoder is None else str(settings.context.encoder),
    }


def why_not(asked: CliRequest, served: Settings, model: str) -> str | None:
    """Return why a server with this model and these settings cannot answer, None if it can."""
    if served.remote.url is not None:
        return "it asks a remote engine"
    if asked.model != model:
        return f"it serves {model}, not {asked.model}"
    if asked.request.max_new_tokens > served.completion.max_new_tokens:
        return f"its completions have at most {served.completion.max_new_tokens} tokens"
    ours = loaded_with(served)
    for key in sorted(ours.keys() | asked.loaded_with.keys()):
        if ours.get(key) != asked.loaded_with.get(key):
            return f"its {key} is {ours.get(key)}, not {asked.loaded_with.get(key)}"
    return None


def _get(params: Mapping[str, Any], name: str, *types: type) -> Any:
    value = params.get(name)
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        raise RequestError(f"{METHOD}: {name} is missing or of a wrong kind")
    return value
