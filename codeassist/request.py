"""What is asked and what is answered: requests, snippets, completions, and the Retriever protocol.

Values only. Knows no model, no index, no editor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

FinishReason = Literal["eos", "max_tokens", "max_lines", "block_end", "unlikely", "cancelled"]
Extent = Literal["lines", "block"]


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """One cursor in one text.

    `path` is relative to the repository root, with forward slashes. `prefix` and `suffix` are the whole text before
    and behind the cursor; what fits the model is cut later. `max_lines` None lets the completion end where it wants.
    An answer whose tokens' geometric mean probability falls below `min_confidence` is given up and comes back empty.
    `patience_ms` is how long reading the prompt may take; None waits for all of it. A prompt that would take longer is
    cut to what can be read in that time, and the whole one is read when there is nothing else to do.
    """

    path: str
    prefix: str
    suffix: str
    max_new_tokens: int = 64
    max_lines: int | None = 1
    temperature: float = 0.0
    seed: int = 0
    min_confidence: float = 0.0
    extent: Extent = "lines"
    alternative: int = 0
    patience_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of another file. `start_line` and `end_line` count from 1, half-open; `reason` is for people."""

    path: str
    text: str
    start_line: int
    end_line: int
    source: str  # "definition", "bm25", ...: the retrieval source that found it
    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Snippets in falling order of worth, what each stage took, and which sources were late and left out."""

    snippets: tuple[Snippet, ...] = ()
    stage_ms: dict[str, float] = field(default_factory=dict[str, float])
    late_sources: tuple[str, ...] = ()


class Retriever(Protocol):
    """Finds what in other files helps at the cursor. Never raises for missing context: it returns fewer snippets."""

    def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
        """Return snippets of together at most `max_chars` characters, none of them from text around the cursor."""
        ...


class NoRetriever:
    """The retriever for a file that belongs to no repository, and for `--context none`."""

    def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
        """Return no snippets."""
        return Retrieval()


@dataclass(frozen=True, slots=True)
class UsedSnippet:
    """A snippet that went into the prompt, with the tokens it cost there (header included)."""

    snippet: Snippet
    num_tokens: int


@dataclass(frozen=True, slots=True)
class Completion:
    """The answer to one request, and everything needed to explain it.

    `is_hasty`: its prompt was cut to what could be read in the request's `patience_ms`.
    """

    text: str
    raw_text: str  # before trimming
    finish_reason: FinishReason
    model: str
    num_prompt_tokens: int
    num_cached_tokens: int  # prompt tokens whose states were reused
    num_new_tokens: int
    stage_ms: dict[str, float]
    snippets: Sequence[UsedSnippet] = ()
    confidence: float | None = None  # geometric mean probability of the answer's tokens; None without any
    notices: Sequence[str] = ()
    is_hasty: bool = False
