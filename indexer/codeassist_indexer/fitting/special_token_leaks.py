"""Special tokens that a model spelt out in its answer. Pure.

It looks for the texts of every family's special tokens, and for what has their form.
"""

from __future__ import annotations

import re

from codeassist.prompts.templates import special_token_texts

_NEARBY_CHARS = 4_000

# Beside the templates' own: what stands in their families' vocabularies, and in prompts of repositories.
_MORE = ("<fim_pad>", "<|fim_pad|>", "[MIDDLE]", "<s>", "[INST]", "[/INST]")
# What usages and manuals are full of.
_PLACEHOLDERS = frozenset(("<filename>", "<reponame>"))
_MORE_STARCODER = ("<issue_start>", "<issue_comment>", "<issue_closed>", "<jupyter_start>", "<jupyter_code>",
                   "<jupyter_output>", "<empty_output>", "<commit_before>", "<commit_msg>", "<commit_after>")  # fmt: skip  # noqa: E501
# A token's form is enough for the families that mark theirs with bars: nobody's code has these.
_FORMS = (r"<\|[A-Za-z][A-Za-z0-9_]{1,30}\|>", r"<｜[^｜\n]{1,30}｜>", r"^\+\+\+\+\+ \S.*$")


def _pattern() -> re.Pattern[str]:
    texts = {text.strip("▁ ") for text in (*special_token_texts(), *_MORE, *_MORE_STARCODER)} - _PLACEHOLDERS
    spelt = "|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True))
    return re.compile("|".join([*_FORMS, f"▁?(?:{spelt})"]), re.M)


_LEAK = _pattern()
# A marker that the answer's length cut in two. "</s" is left out: it begins "</span>" too.
_HALF_AT_END = re.compile(r"(<\|[A-Za-z][A-Za-z0-9_]*\|?|<｜[^｜\n>]*｜?|<fim_[a-z]*)\Z")
_IN_BRACKETS = re.compile(r"\[/?([A-Z]+)\]")


def cut_leaks(text: str, prefix: str, suffix: str) -> str:
    """The answer up to the first special token that it spells out, and not even half a one at its end.

    A text that the file itself holds near the cursor is no leak there: files about tokenizers exist.
    """
    nearby = prefix[-_NEARBY_CHARS:] + "\n" + suffix[:_NEARBY_CHARS]
    for found in _LEAK.finditer(text):
        before = (prefix[-_NEARBY_CHARS:] + text[: found.start()]).rpartition("\n")[2]
        if not _belongs(found, text, before, nearby):
            return text[: found.start()]
    half = _HALF_AT_END.search(text)
    return text if half is None or half[0] in nearby else text[: half.start()]


def _belongs(found: re.Match[str], text: str, line: str, nearby: str) -> bool:
    """Whether what looks like a token is code of this file. `line` is what stands before it on its line."""
    token = found[0]
    quote = text[max(0, found.start() - 1) : found.start()]
    is_quoted = quote in ("'", '"', "`") and text.startswith(quote, found.end()) and line.count(quote) % 2 == 1
    if token in nearby or is_quoted:
        return True  # a string that is the token and nothing else is no leak, but code about it
    if token in ("<s>", "</s>"):  # struck-out text in markup
        return token == "<s>" or "<s>" in nearby + text[: found.start()]
    if (name := _IN_BRACKETS.fullmatch(token)) is not None:  # an index: `env[PREFIX]`
        before = text[: found.start()] or nearby.partition("\n")[0]
        is_index = before[-1:].isalnum() or before[-1:] in ("_", ")", "]")
        is_index = is_index and re.match(r"\w", text[found.end() :]) is None  # "[PREFIX]import" is none
        return is_index or re.search(rf"\b{name[1]}\b", nearby) is not None
    return False
