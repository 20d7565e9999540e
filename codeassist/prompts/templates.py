"""How each model family spells fill-in-the-middle and repository context.

A family is recognised by the special tokens that its tokenizer has. Some models own the tokens of a family and were not
trained with them: those are told by what their publishers call them, as far as that is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from codeassist.errors import ModelError

Part = Literal["prefix", "suffix", "middle"]
Order = tuple[tuple[Part, Literal["prefix", "suffix"] | None], ...]
"""Which marker comes when, and which text after it."""

PREFIX_SUFFIX_MIDDLE: Order = (("prefix", "prefix"), ("suffix", "suffix"), ("middle", None))
SUFFIX_PREFIX_MIDDLE: Order = (("suffix", "suffix"), ("prefix", "prefix"), ("middle", None))
SUFFIX_PREFIX: Order = (("suffix", "suffix"), ("prefix", "prefix"))
ORDERS: Mapping[str, Order] = {
    "prefix-suffix-middle": PREFIX_SUFFIX_MIDDLE,
    "suffix-prefix-middle": SUFFIX_PREFIX_MIDDLE,
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

    `repository` and `file` are the special tokens before a repository's name, which `repository_end` ends, and before a
    file's path. Without `file`, `header` is the text before a path; without both, other files are given as comments.
    `file_end` ends a file; `names_itself`: the file's own path is given also where there is no other. `in_prefix`: what
    stands behind the prefix's marker and not in front of all markers: nothing, the path of the file itself, or that and
    all other files. `told_by`: special tokens one of which the family has and others with the same markers have not.
    """

    name: str
    fim: FillInTheMiddle | None
    repository: str | None
    file: str | None
    stops: tuple[str, ...]
    repository_end: str = "\n"
    header: str | None = None
    file_end: str = "\n"
    names_itself: bool = True
    in_prefix: Literal["nothing", "path", "files"] = "nothing"
    told_by: tuple[str, ...] = ()

    @property
    def markers(self) -> tuple[str, ...]:
        """The special tokens that the family's prompts are written with."""
        fim = self.fim
        names = (self.repository, self.file, *((fim.prefix, fim.suffix, fim.middle) if fim else ()))
        return tuple(name for name in names if name is not None)


_PIPED = FillInTheMiddle("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
_PLAIN = FillInTheMiddle("<fim_prefix>", "<fim_suffix>", "<fim_middle>")
_SEED = FillInTheMiddle("<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>", SUFFIX_PREFIX_MIDDLE)
_END = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|end_of_text|>", "</s>")
_SEED_STOPS = ("<[end▁of▁sentence]>", "<[SEP▁TOKEN]>", "<[PAD▁TOKEN]>", "<[fim-suffix]>", *_END)

# The first whose tokens are all there is taken: those that name more tokens stand first. Where each was read stands in
# tests/prompts/test_families.py.
_FAMILIES: tuple[Template, ...] = (
    Template(
        "qwen-coder",
        _PIPED,
        "<|repo_name|>",
        "<|file_sep|>",
        ("<|fim_pad|>", "<|repo_name|>", "<|file_sep|>", "<|cursor|>", *_END),
    ),
    Template(
        "codegemma",
        _PIPED,
        None,
        "<|file_separator|>",
        ("<|file_separator|>", "<end_of_turn>", *_END),
        names_itself=False,
    ),
    Template("granite4", _PIPED, None, None, ("<|fim_pad|>", *_END)),
    Template(
        "mellum",
        replace(_PLAIN, order=SUFFIX_PREFIX_MIDDLE),
        None,
        "<filename>",
        ("<filename>", "<reponame>", "<fim_pad>", "<fim_suffix>", *_END),
        file_end="\n\n",
        told_by=("<system>", "<|im_start|>"),  # StarCoder and Granite Code have <filename> too, and no roles
    ),
    Template(
        "starcoder",
        _PLAIN,
        "<repo_name>",
        "<file_sep>",
        ("<file_sep>", "<fim_pad>", *_END),
        repository_end="",
        in_prefix="path",
    ),
    Template("granite3", _PLAIN, None, None, ("<fim_pad>", "<filename>", *_END)),
    Template(
        "deepseek-coder",
        FillInTheMiddle("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),
        None,
        None,
        ("<｜end▁of▁sentence｜>", "<|EOT|>", *_END),
        header="#",
        in_prefix="files",
    ),
    Template(
        "seed-coder",
        _SEED,
        None,
        "<filename>",
        ("<filename>", *_SEED_STOPS),
        names_itself=False,
        in_prefix="files",
    ),
    Template("seed-coder", _SEED, None, None, _SEED_STOPS, in_prefix="files"),
    # As `Tokenizer.special` has them: "▁<PRE>" in the files.
    Template("codellama", FillInTheMiddle("<PRE>", "<SUF>", "<MID>"), None, None, ("<EOT>", *_END)),
    Template(
        "codestral",
        FillInTheMiddle("[PREFIX]", "[SUFFIX]", None, SUFFIX_PREFIX),
        None,
        None,
        ("[SUFFIX]", "[PREFIX]", *_END),
        header="+++++ ",
        file_end="\n\n",
        in_prefix="files",
    ),
    Template("files", None, "<repo_name>", "<file_sep>", ("<file_sep>", "<repo_name>", *_END)),
)
PLAIN = Template("plain", None, None, None, _END)
NAMES: tuple[str, ...] = tuple(dict.fromkeys(family.name for family in (*_FAMILIES, PLAIN)))
"""What `[models.X] template` may be."""

# What publishers call models that own a family's tokens: those that were trained with them, and those that were not.
# Looked at in this order. Qwen's, Mistral's and Phi's tokenizers are shared by general and code models; Granite fills
# in since 3.3; OpenCoder says itself that it does not; of Code Llama the 7B and 13B do, and not those for Python.
_UNTRAINED = re.compile(r"open[ _-]?coder|code[ _-]?llama.*(34b|70b|python)")
_TRAINED = re.compile(r"code|coding|sweep|zeta|instinct|next[ _-]?edit|fim|granite[ _-]?(3\.[3-9]|[4-9])")
_GENERAL = re.compile(r"qwen|qwq|mistral|ministral|mixtral|mathstral|devstral|magistral|granite|\bphi")


def recognise(special: Mapping[str, int]) -> Template:
    """Return the family whose tokens the tokenizer has. special: special token text → id."""
    return next((family for family in _FAMILIES if _fits(family, special)), PLAIN)


def named(name: str, special: Mapping[str, int]) -> Template:
    """Return the family of a name (`NAMES`). Raises ModelError where the tokenizer has not its tokens."""
    rows = [family for family in (*_FAMILIES, PLAIN) if family.name == name]
    found = next((family for family in rows if special.keys() >= set(family.markers)), None)
    if found is None:
        missing = next(marker for marker in rows[-1].markers if marker not in special)
        raise ModelError(
            f"the model has no token {missing}, which template {name!r} is written with; leave template out, or choose "
            f"another: {', '.join(NAMES)}"
        )
    return found


def is_trained(published_names: Iterable[str]) -> bool:
    """Whether a model that owns a family's tokens was trained with them, as far as what it is called tells.

    `published_names`: what is known of its names, the most trustworthy first; the first that says something counts.
    """
    for name in map(str.lower, published_names):
        if _UNTRAINED.search(name):
            return False
        if _TRAINED.search(name):
            return True
        if _GENERAL.search(name):
            return False
    return True


def without_fim(template: Template) -> Template:
    """The template of a model that was not trained with its tokens: what stands before the cursor, other files as
    comments. Its stops stay."""
    return Template("plain", None, None, None, template.stops)


def special_token_texts() -> frozenset[str]:
    """Every marker and stop of every family: what repository text must never be able to spell as a token."""
    return frozenset(text for family in (*_FAMILIES, PLAIN) for text in (*family.markers, *family.stops))


def _fits(family: Template, special: Mapping[str, int]) -> bool:
    return special.keys() >= set(family.markers) and (
        not family.told_by or not special.keys().isdisjoint(family.told_by)
    )
