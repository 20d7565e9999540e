"""What is asked and what is answered: requests, snippets, completions; the protocols of retrieval and analysis.

Values only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

FinishReason = Literal["eos", "max_tokens", "max_lines", "block_end", "unlikely", "cancelled"]
NO_REPOSITORY = "workspace"
"""What a model is told where a file belongs to no repository."""
Extent = Literal["lines", "block"]
NameKind = Literal["member", "import", "keyword", "case", "class"]
Strength = Literal["sure", "likely"]
ActOutcome = Literal["agreed", "overruled", "outweighed", "late", "abstained"]
SUSPECT_PROBABILITY = 0.9
"""Who is kept from a name that the model gave more than this: more likely the analysis is wrong than the model."""


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """One cursor in one text.

    `path` is relative to the repository root, with forward slashes. `language` is the text's by its name, as whoever
    asks knows it; None: the path and the text tell it. `prefix` and `suffix` are the whole text before and after the
    cursor; what fits the model is cut later. `max_lines` None lets the completion end where it wants.
    An answer whose tokens' geometric mean probability falls below `min_confidence` is given up and comes back empty.
    `patience_ms` is how long reading the prompt may take; None waits for all of it. A prompt that would take longer is
    cut to what can be read in that time, and the whole one is read when there is nothing else to do; before that,
    snippets that are new to the document are left to that time where they would take longer than `snippets_ms`.
    `root` is the folder of the repository, None where there is none: it says whether the text may leave this machine;
    `repository` is what the model is told it is called, `told_path` what the file is called, None: `path`. Without
    `has_file` nobody has named a file for the text yet: it sees what the repository's files see, and is none of those
    that may leave.
    `monitor_deadline_ms` is how long decoding may wait for static analysis, in all; None: names are not monitored.
    `standing` are the snippets of the document's last prompt: to keep one costs nothing, a new one must be read.
    Without `sees_libraries` nothing of installed packages is shown to the model.
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
    snippets_ms: float | None = None
    root: str | None = None
    monitor_deadline_ms: float | None = None
    standing: tuple[Snippet, ...] = ()
    repository: str = NO_REPOSITORY
    language: str | None = None
    told_path: str | None = None
    has_file: bool = True
    sees_libraries: bool = True


@dataclass(frozen=True, slots=True)
class InstalledIn:
    """An installed package: what people call it ("httpx 0.28.1"), and the folder that it was read from."""

    label: str
    folder: str


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of another file. `start_line` and `end_line` count from 1, half-open; `reason` is for people.

    `package`: the installed package that the file is of, `path` then being the one that an import would spell; None: a
    file of the repository.
    """

    path: str
    text: str
    start_line: int
    end_line: int
    source: str  # "definition", "bm25", ...: the retrieval source that found it
    score: float
    reason: str
    package: InstalledIn | None = None

    @property
    def library(self) -> str | None:
        """What people call the package that it is of."""
        return None if self.package is None else self.package.label


class RetrievalBasis(Protocol):
    """What a retrieval rests on: the state of all files but the request's own, and how they are searched."""

    def holds(self) -> bool:
        """Whether the same question would still be answered the same, but for sources that were late.

        Asks a database: not for an event loop. False where it cannot be said.
        """
        ...


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Snippets in falling order of worth, what each stage took, and which sources were late and left out.

    `basis` None: nobody knows how long this holds.
    """

    snippets: tuple[Snippet, ...] = ()
    stage_ms: dict[str, float] = field(default_factory=dict[str, float])
    late_sources: tuple[str, ...] = ()
    basis: RetrievalBasis | None = field(default=None, compare=False)


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
class NamePosition:
    """A place at the end of a text where a name is being written.

    `start` is the offset in code points at which the name begins: text[start:] is what of it stands already, which is
    nothing or the beginning of an identifier. White space before a name that has not begun belongs to neither.

    At a "keyword" place (an argument of a call) any expression may stand as well: only `name=` must be one of the
    allowed names. At all others the identifier that is being written must be one of them.
    """

    kind: NameKind
    start: int


@dataclass(frozen=True, slots=True)
class AllowedNames:
    """All whole names that can stand at a place. `source`: what found them, for people ("jedi", "index", ...).

    `strength` "sure": all that they come from was read completely; others are forbidden. "likely": something was left
    to guess or may be outdated; others only count for less.
    `room`, at a "keyword" place: how many arguments may still stand there by position; None: not known. Where it is 0,
    nothing but `name=`, a star or the call's end may follow; where there are no names either, only the last two.
    """

    names: frozenset[str]
    source: str
    room: int | None = None
    strength: Strength = "sure"


class Analysis(Protocol):
    """Static analysis of one text around a cursor. Made for one request; shares caches with those of its repository."""

    def place(self, text: str) -> NamePosition | None:
        """Return the place at which `text` (prefix and answer so far) ends, or None where no name is being written
        whose possibilities may be known.

        Lexical: called for each token on the inference thread, so it may take microseconds only. As a name is
        written letter by letter, kind and start stay what they were.
        """
        ...

    def names(self, text: str, place: NamePosition) -> AllowedNames | None:
        """Return all that may stand there, or None to abstain.

        `text` ends at `place.start` or inside of the name. May take long, may be called on any thread, never raises
        for code that it does not understand.
        """
        ...


class AnalysisService(Protocol):
    """Knows a repository and begins analyses of its files. One stays for as long as the repository is open."""

    def analyse(self, request: CompletionRequest) -> Analysis | None:
        """Return an analysis of the request's text, or None for a language that is not analysed. Returns at once."""
        ...

    def warm(self, request: CompletionRequest) -> None:
        """Load what the first question about a request's file would wait for. For idle time: blocks; never raises."""
        ...


@dataclass(frozen=True, slots=True)
class MonitorAct:
    """What a monitor did at one place of an answer.

    `char`: where the name begins, counted from the cursor in code points (negative: begun before it). `name` is what
    the answer has there, "" where it went on without a name. `wanted` is the text of the token that the model would
    have written and was kept from, None where the monitor agreed or did not know; `wanted_probability` what the model
    gave it there. "outweighed": names that are only likely did not keep the model from another one. `num_allowed` and
    `some` (sorted, those that go on with what stood there first) are empty, and `strength` None, where nothing was
    known.
    """

    kind: NameKind
    char: int
    outcome: ActOutcome
    name: str
    wanted: str | None = None
    source: str | None = None
    num_allowed: int = 0
    some: tuple[str, ...] = ()
    strength: Strength | None = None
    wanted_probability: float | None = None

    @property
    def is_suspect(self) -> bool:
        """Whether a name was forbidden of which the model was so sure that the analysis may be wrong."""
        forbade = self.outcome == "overruled" and self.strength == "sure"
        return forbade and (self.wanted_probability or 0.0) > SUSPECT_PROBABILITY


@dataclass(frozen=True, slots=True)
class AnswerToken:
    """A token of an answer as it was written, and how likely the model thought it there: between 0 and 1."""

    text: str
    probability: float


@dataclass(frozen=True, slots=True)
class UsedSnippet:
    """A snippet that went into the prompt, with the tokens it cost there (header included)."""

    snippet: Snippet
    num_tokens: int


@dataclass(frozen=True, slots=True)
class Sent:
    """What of a request left this machine, and where it went. Its snippets are those of the completion.

    `num_cached_tokens` are those that the server had read before, None where it does not say.
    """

    url: str
    num_chars: int  # of the prompt's text
    num_tokens: int
    num_snippets: int
    num_snippet_chars: int
    num_file_chars: int
    num_times: int  # how often it was sent: retries
    num_cached_tokens: int | None = None


def sent_together(sent: Sequence[Sent]) -> Sent | None:
    """What several prompts to one server come to, each counted as often as it was sent; None without any."""
    if not sent:
        return None
    return Sent(
        url=sent[-1].url,
        num_chars=sum(each.num_chars for each in sent),
        num_tokens=sum(each.num_tokens for each in sent),
        num_snippets=sum(each.num_snippets for each in sent),
        num_snippet_chars=sum(each.num_snippet_chars for each in sent),
        num_file_chars=sum(each.num_file_chars for each in sent),
        num_times=len(sent),
    )


@dataclass(frozen=True, slots=True)
class Trace:
    """What a completion went through: what each stage took, counts, and reasons. Each stage adds its part.

    `stage_ms`: "retrieve" (its parts as "retrieve_*"), "prompt", "prefill", "first_token", "decode", "total", those of
    monitors where there are any. `num_cached_tokens`: of the prompt's, those whose states were used again.
    `late_sources` of retrieval were stopped at the deadline. `is_hasty`: the prompt was cut to what could be read in
    the request's `patience_ms`. `monitor_ms`: what monitors took for each token, without waiting; `weighing_ms`: of
    that, each choice between whole names. `sent` None: nothing left this machine. `tokens` write the answer before it
    was cut, from the cursor on; none where a server that does not tell them wrote it.
    """

    stage_ms: Mapping[str, float] = field(default_factory=dict[str, float])
    num_prompt_tokens: int = 0
    num_cached_tokens: int = 0
    num_new_tokens: int = 0
    late_sources: Sequence[str] = ()
    notices: Sequence[str] = ()
    is_hasty: bool = False
    monitor_acts: Sequence[MonitorAct] = ()
    monitor_ms: Sequence[float] = ()
    weighing_ms: Sequence[float] = ()
    sent: Sent | None = None
    tokens: Sequence[AnswerToken] = ()


@dataclass(frozen=True, slots=True)
class Completion:
    """The answer to one request, and in its trace everything that explains it.

    `raw_text` is the answer before it was cut to what was asked for. `confidence`: the geometric mean probability of
    the answer's tokens; None without any. `sure`: the beginning of the answer that is likely right, all of `text` where
    that is or where its tokens' probabilities are not told; of an answer that was given up, the same of what there was.
    """

    text: str
    raw_text: str
    finish_reason: FinishReason
    model: str
    snippets: Sequence[UsedSnippet] = ()
    confidence: float | None = None
    trace: Trace = field(default_factory=Trace)
    sure: str = ""

    def after(self, *notices: str) -> Completion:
        """Return the same with notices of what went before it in front of its own."""
        return replace(self, trace=replace(self.trace, notices=(*notices, *self.trace.notices)))
