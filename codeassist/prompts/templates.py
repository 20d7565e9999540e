"""How each model family spells fill-in-the-middle and repository context.

A family is recognised by the special tokens that its tokenizer has, not by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Part = Literal["prefix", "suffix", "middle"]
Order = tuple[tuple[Part, Literal["prefix", "suffix"] | None], ...]
"""Which marker comes when, and which text after it."""

PREFIX_SUFFIX_MIDDLE: Order = (("prefix", "prefix"), ("suffix", "suffix"), ("middle", None))
SUFFIX_PREFIX: Order = (("suffix", "suffix"), ("prefix", "prefix"))
ORDERS: Mapping[str, Order] = {
    "prefix-suffix-middle": PREFIX_SUFFIX_MIDDLE,
    "suffix-prefix-middle": (("suffix", "suffix"), ("prefix", "prefix"), ("middle", None)),
    "suffix within prefix": (("prefix", None), ("suffix", "suffix"), ("middle", "prefix")),
}
"""The orders that models with three markers have been trained with; `codeassist bench order` compares them."""


@dataclass(frozen=True, slots=True)
class FillInTheMiddle:
    """The marker of each part, and the order in which markers and texts come."""

    prefix: str
    suffix: str
    middle: str | None
    order: Order = PREFIX_SUFFIX_MIDDLE


@dataclass(frozen=True, slots=True)
class Template:
    """One family. `fim` None: only what stands before the cursor is seen.

    `repository` and `file` are the special tokens before a repository's name and before a file's path; without
    `file`, other files are given as comments.
    """

    name: str
    fim: FillInTheMiddle | None
    repository: str | None
    file: str | None
    stops: tuple[str, ...]


_PIPED = FillInTheMiddle("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
_PLAIN = FillInTheMiddle("<fim_prefix>", "<fim_suffix>", "<fim_middle>")
_END = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|end_of_text|>", "</s>")

# The first whose tokens are all there is taken: those that name more tokens stand first.
_FAMILIES: tuple[Template, ...] = (
    Template(
        "qwen-coder",
        _PIPED,
        "<|repo_name|>",
        "<|file_sep|>",
        ("<|fim_pad|>", "<|repo_name|>", "<|file_sep|>", "<|cursor|>", *_END),
    ),
    Template("codegemma", _PIPED, None, "<|file_separator|>", ("<|file_separator|>", *_END)),
    Template("granite4", _PIPED, None, None, ("<|fim_pad|>", *_END)),
    Template("starcoder", _PLAIN, "<repo_name>", "<file_sep>", ("<file_sep>", "<fim_pad>", *_END)),
    Template("granite3", _PLAIN, None, None, ("<fim_pad>", *_END)),
    Template(
        "deepseek-coder",
        FillInTheMiddle("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),
        None,
        None,
        ("<｜end▁of▁sentence｜>", "<|EOT|>", *_END),
    ),
    Template("codellama", FillInTheMiddle("▁<PRE>", "▁<SUF>", "▁<MID>"), None, None, ("▁<EOT>", *_END)),
    Template("codestral", FillInTheMiddle("[PREFIX]", "[SUFFIX]", None, SUFFIX_PREFIX), None, None, _END),
    Template("files", None, "<repo_name>", "<file_sep>", ("<file_sep>", "<repo_name>", *_END)),
)
PLAIN = Template("plain", None, None, None, _END)


def recognise(special: Mapping[str, int]) -> Template:
    """Return the family whose tokens the tokenizer has. special: special token text → id."""
    for family in _FAMILIES:
        fim = family.fim
        needed = [] if fim is None else [fim.prefix, fim.suffix, fim.middle]
        needed += [family.repository, family.file]
        if all(token is None or token in special for token in needed):
            return family
    return PLAIN


def special_token_texts() -> frozenset[str]:
    """Every marker and stop of every family: what repository text must never be able to spell as a token."""
    texts: set[str] = set()
    for family in (*_FAMILIES, PLAIN):
        fim = family.fim
        texts |= {t for t in ((fim.prefix, fim.suffix, fim.middle) if fim else ()) if t}
        texts |= {t for t in (family.repository, family.file) if t} | set(family.stops)
    return frozenset(texts)
