"""The prompt: which tokens a model sees for a cursor, in which order, within which budget.

It says where the markers and the places around the cursor stand, so that a cache can keep those exact first. Stable
parts come first: what the user types moves as little as possible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from codeassist.prompts.templates import Template
from codeassist.request import CompletionRequest, Snippet, UsedSnippet
from codeassist.tokenization.file_tokens import FileTokens, FreshTokens
from codeassist.tokenization.tokens import Tokenizer

CHARS_PER_TOKEN = 3.0  # cautious: Qwen2.5-Coder has 3.3 to 4.2 on source code
_MOST_CHARS_PER_TOKEN = 8  # no source code comes near; spares tokenising a megabyte
_WINDOW_STEP = 8  # a window that slides, slides by an eighth of its budget, so that most keystrokes move nothing


_HASH_COMMENTS = frozenset(
    {"py", "pyi", "rb", "sh", "bash", "toml", "yaml", "yml", "r", "pl", "jl", "ex", "exs", "nim"}
)
_HASH_LANGUAGES = frozenset(
    {"python", "ruby", "bash", "toml", "yaml", "r", "perl", "dockerfile", "makefile", "terraform"}
)


@dataclass(frozen=True, slots=True)
class Budget:
    """Tokens a prompt may take. What snippets leave goes to the file; of the file, the suffix takes its share first."""

    total: int
    snippet_share: float = 0.5  # what the ranker was learned for: docs/results/2026-11-22-ranker.md
    suffix_share: float = 0.2

    @property
    def snippet_chars(self) -> int:
        """How many characters of snippets are worth retrieving."""
        return int(self.total * self.snippet_share * (CHARS_PER_TOKEN + 1))


@dataclass(frozen=True, slots=True)
class Prompt:
    """Token ids, and where in them things stand (half-open ranges).

    `snippet_ranges`: the blocks of other files, headers included. `around_cursor`: the ranges whose states matter
    most when not all can be exact, the most important first.
    """

    tokens: tuple[int, ...]
    snippets: tuple[UsedSnippet, ...]
    prefix: range
    suffix: range
    snippet_ranges: tuple[range, ...]
    around_cursor: tuple[range, ...]

    def without(self, late: Sequence[range]) -> Prompt:
        """Return it without some ends of snippets, or whole ones; all else stands as it stood."""
        gone = {slot for part in late for slot in part}

        def left(part: range) -> range:
            start = part.start - sum(1 for slot in gone if slot < part.start)
            return range(start, start + sum(1 for slot in part if slot not in gone))

        blocks = [(left(part), used) for part, used in zip(self.snippet_ranges, reversed(self.snippets), strict=True)]
        blocks = [(part, replace(used, num_tokens=len(part))) for part, used in blocks if part]
        return Prompt(
            tuple(token for slot, token in enumerate(self.tokens) if slot not in gone),
            tuple(used for _, used in reversed(blocks)),
            left(self.prefix),
            left(self.suffix),
            tuple(part for part, _ in blocks),
            tuple(map(left, self.around_cursor)),
        )


def build(
    request: CompletionRequest,
    snippets: Sequence[Snippet],
    template: Template,
    tokenizer: Tokenizer,
    budget: Budget,
    *,
    repository: str,
    refresh_tokens: int = 8,
    file_tokens: FileTokens | None = None,
) -> Prompt:
    """Lay out a prompt. `file_tokens` tokenises the request's text; by default all that is needed is tokenised.

    `snippets` stand in falling order of worth; the most worthy ends up nearest to the file, and those that do not
    fit are left out whole. All text is encoded as plain text: no special token can come from it.
    """
    texts = file_tokens or FreshTokens(tokenizer, request.prefix, request.suffix)
    parts = _Parts(template, tokenizer, texts, line_comment(request.path, request.language))
    used, blocks = parts.snippet_blocks(snippets, int(budget.total * budget.snippet_share))
    start = parts.start(repository)
    told_path = request.told_path or request.path
    sees_nothing = not (start or request.prefix) and template.fim is None
    names_itself = template.file is not None and template.names_itself
    own = parts.file_header(told_path) if blocks or names_itself or sees_nothing else []
    num_markers = 4
    room = budget.total - len(start) - sum(map(len, blocks)) - len(own) - num_markers
    suffix = suffix_window(request.suffix, texts, int(budget.total * budget.suffix_share)) if template.fim else []
    suffix = suffix[: max(room // 2, 0)]
    prefix = prefix_window(request.prefix, texts, max(room - len(suffix), 1))
    match template.in_prefix:
        case "nothing":
            front, inner = [*blocks, own], []
        case "path":
            front, inner = [*blocks, own[:1]], [own[1:]]
        case "files":
            front, inner = [], [*blocks, own]
    return _laid_out(start, tuple(used), front, inner, prefix, suffix, template, tokenizer, refresh_tokens)


def _laid_out(
    start: list[int],
    used: tuple[UsedSnippet, ...],
    front: list[list[int]],
    inner: list[list[int]],
    prefix: list[int],
    suffix: list[int],
    template: Template,
    tokenizer: Tokenizer,
    refresh_tokens: int,
) -> Prompt:
    """`front` stands before all markers, `inner` behind the prefix's; of both together the snippets come first."""
    tokens = list(start)

    def add(added: Sequence[int]) -> range:
        tokens.extend(added)
        return range(len(tokens) - len(added), len(tokens))

    blocks = [add(block) for block in front]
    markers: list[range] = []
    places = {"prefix": range(0), "suffix": range(0)}
    fim = template.fim
    marker_of = {"prefix": fim.prefix, "suffix": fim.suffix, "middle": fim.middle} if fim else {"prefix": None}
    for part, text in fim.order if fim else (("prefix", "prefix"),):
        marker = marker_of[part]
        if marker is not None:
            markers.append(add([tokenizer.special[marker]]))
        if text == "prefix":
            blocks += [add(block) for block in inner]
        if text is not None:
            places[text] = add(prefix if text == "prefix" else suffix)
    head, tail = places["suffix"], places["prefix"]
    around = (
        *reversed(markers),
        range(head.start, min(head.start + refresh_tokens, head.stop)),
        range(max(tail.start, tail.stop - refresh_tokens), tail.stop),
    )
    return Prompt(tuple(tokens), used, tail, head, tuple(blocks[: len(used)]), around)


def prefix_window(text: str, tokens: FileTokens, max_tokens: int) -> list[int]:
    """The last tokens of the text before the cursor, at most `max_tokens`, from the start of a line where possible.

    The window's start moves in steps, counted from the start of the file, so that typing rarely moves it.
    """
    cut = _stepped(len(text), max_tokens * _MOST_CHARS_PER_TOKEN)
    start = _line_start(text, cut)
    start = start if start < len(text) else cut  # within a line where that line is longer than the window
    window = tokens.before(start)
    while len(window) > max_tokens:
        # Cut whole lines from the front, a step at a time, until it fits.
        excess = _stepped(len(window), max_tokens) * (len(text) - start) // len(window)
        next_start = _line_start(text, start + max(excess, 1))
        if next_start >= len(text):  # one line longer than the window
            return window[len(window) - max_tokens :]
        start = next_start
        window = tokens.before(start)
    return window


def suffix_window(text: str, tokens: FileTokens, max_tokens: int) -> list[int]:
    """The first tokens of the text after the cursor, at most `max_tokens`."""
    return tokens.after(min(max_tokens * _MOST_CHARS_PER_TOKEN, len(text)))[:max_tokens]


def line_comment(path: str, language: str | None = None) -> str:
    """What starts a line comment in a language, in a file of this name where none is told."""
    if language is not None:
        return "#" if language in _HASH_LANGUAGES else "//"
    suffix = path.rpartition(".")[2].lower()
    return "#" if suffix in _HASH_COMMENTS else "//"


def _stepped(length: int, limit: int) -> int:
    """How much to cut from `length` so that at most `limit` stays, rounded up to a step."""
    if length <= limit:
        return 0
    step = max(limit // _WINDOW_STEP, 1)
    return -(-(length - limit) // step) * step


def _line_start(text: str, offset: int) -> int:
    """The first start of a line at or after `offset`; the text's end where there is none."""
    if offset <= 0:
        return 0
    newline = text.find("\n", offset - 1)
    return len(text) if newline < 0 else newline + 1


class _Parts:
    """Renders headers and snippets as tokens."""

    def __init__(self, template: Template, tokenizer: Tokenizer, texts: FileTokens, comment: str) -> None:
        self.template, self.tokenizer, self.texts, self.comment = template, tokenizer, texts, comment

    def start(self, repository: str) -> list[int]:
        tokens = [self.tokenizer.bos_id] if self.tokenizer.add_bos and self.tokenizer.bos_id is not None else []
        if self.template.repository is not None:
            name = self.texts.other(f"{repository}{self.template.repository_end}")
            tokens += [self.tokenizer.special[self.template.repository], *name]
        return tokens

    def file_header(self, path: str) -> list[int]:
        if self.template.file is not None:
            return [self.tokenizer.special[self.template.file], *self.texts.other(f"{path}\n")]
        before = f"{self.comment} " if self.template.header is None else self.template.header
        return self.texts.other(f"{before}{path}\n")

    def snippet_blocks(self, snippets: Sequence[Snippet], max_tokens: int) -> tuple[list[UsedSnippet], list[list[int]]]:
        """Return those that fit, in falling order of worth, and their tokens in the order of the prompt."""
        used: list[UsedSnippet] = []
        blocks: list[list[int]] = []
        room = max_tokens
        for snippet in snippets:
            if len(snippet.text) > room * _MOST_CHARS_PER_TOKEN:  # tokenising it takes time and would only say so too
                continue
            block = self.file_header(snippet.path) + self.texts.other(self._body(snippet.text))
            if len(block) > room:
                continue
            room -= len(block)
            used.append(UsedSnippet(snippet, len(block)))
            blocks.append(block)
        return used, blocks[::-1]

    def _body(self, text: str) -> str:
        body = text.rstrip("\n")
        if self.template.file is None and self.template.header is None:
            # As comments, so that the model does not take them for the file itself.
            body = "\n".join(f"{self.comment} {line}".rstrip() for line in body.split("\n"))
        return body + self.template.file_end
