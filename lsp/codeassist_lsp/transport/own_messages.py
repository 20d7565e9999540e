"""The shapes of what this server says outside the protocol, by method and by command; docs/lsp.md tells their meaning.

A client is sent a notification of ours only if it asks for that: `didChangeStatus` by its capability
`experimental.didChangeStatus`, `codeassist/alive` by a request `codeassist/complete`. The tests hold every message to
these shapes.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

STATUS = "didChangeStatus"
Kind = Literal["Normal", "Warning", "Error", "Inactive"]


class StatusParams(TypedDict):
    """What a status bar shows; `silent`: by URI why nothing comes by itself in a document."""

    busy: bool
    message: str
    kind: Kind
    silent: dict[str, str]


class AliveParams(TypedDict):
    """How far a program's request is."""

    stage: str


class Place(TypedDict):
    """A position, in the units that were agreed on."""

    line: int
    character: int


class Span(TypedDict):
    """A range."""

    start: Place
    end: Place


class CommandItem(TypedDict):
    """A command to execute once the user did something."""

    title: str
    command: str
    arguments: list[str]


class VersionedDocument(TypedDict):
    """A document; the version is null for a file that is not open."""

    uri: str
    version: int | None


class EditItem(TypedDict):
    """A next edit: Copilot's fields, then ours."""

    text: str
    textDocument: VersionedDocument
    range: Span
    command: CommandItem
    path: str
    line: int
    old: list[str]
    new: list[str]
    reason: str
    confidence: float
    source: str


class EditsResult(TypedDict):
    """The next edits, or why there is none."""

    edits: list[EditItem]
    whyNone: str | None
    sent: NotRequired[dict[str, Any] | None]


class StopResult(TypedDict):
    """Whether the server ends."""

    ends: bool


class ReindexResult(TypedDict):
    """The repositories whose index is built anew."""

    roots: list[str]


class ExplainResult(TypedDict):
    """A suggestion explained; of none there is only a sentence."""

    markdown: str
    snippets: list[dict[str, Any]]
    path: NotRequired[str]
    text: NotRequired[str]
    around: NotRequired[dict[str, Any]]
    tokens: NotRequired[list[Any]]
    model: NotRequired[str]
    finish_reason: NotRequired[str]
    confidence: NotRequired[float | None]
    sure: NotRequired[str]
    num_prompt_tokens: NotRequired[int]
    num_cached_tokens: NotRequired[int]
    num_new_tokens: NotRequired[int]
    stage_ms: NotRequired[dict[str, float]]
    notices: NotRequired[list[str]]
    sent: NotRequired[dict[str, Any] | None]
    late_sources: NotRequired[list[str]]
    monitors: NotRequired[list[dict[str, Any]]]


NOTIFICATIONS: dict[str, Any] = {STATUS: StatusParams, "codeassist/alive": AliveParams}
RESULTS: dict[str, Any] = {
    "textDocument/copilotInlineEdit": EditsResult,
    "codeassist/nextEdits": EditsResult,
    "codeassist/stop": StopResult,
    "codeassist/complete": dict[str, Any],
}
COMMAND_RESULTS: dict[str, Any] = {
    "codeassist.accept": None,
    "codeassist.acceptEdit": None,
    "codeassist.dismissEdit": None,
    "codeassist.explain": ExplainResult,
    "codeassist.reindex": ReindexResult,
    "codeassist.status": dict[str, Any],
}
