"""What a model says to its reader, not to the file: code fences, and the sentences around them. Pure.

In Markdown, and in comments and strings that hold such text, a fence is text like any other.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from codeassist_indexer.fitting.indentation import leading
from codeassist_indexer.fitting.lexing.scan import LINE_COMMENT, scan
from codeassist_indexer.fitting.place import FitContext

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*[\w+#.-]*[ \t]*$", re.MULTILINE)
_FENCE_AT_END = re.compile(r"(?<=[^\s\"'`])`{3,}[ \t]*$", re.MULTILINE)
_SENTENCE = re.compile(
    r"^[ \t]*(?:Sure|Certainly|Of course|Absolutely|Here(?:'s| is| are)|I(?:'ll|'ve|'m| have| will| can| would| am)"
    r"|Let me|Let's|To (?:complete|fix|implement|solve|achieve)|The (?:following|above|completed?|updated|missing)"
    r"|(?:This|The) (?:code|function|script|implementation|program|method|class|snippet)|You can|Below is"
    r"|Note that|In this|Please|As an AI|Explanation:|Output:|Answer:|Solution:)(?:[ ,!].*)?$",
    re.MULTILINE,
)
_CODE_CHARS = re.compile(r"[;{}=<>]|\w\(")
_TEXT_BLOCK = re.compile(r":\s+[|>][+-]?\d?[+-]?\s*\Z")
_LEAST_WORDS = 3
_MARKDOWN = frozenset((".md", ".markdown", ".mdx", ".mdown", ".qmd", ".rmd", ".ipynb"))
_TEXT = frozenset(("", ".txt", ".rst", ".adoc", ".tex", ".org", ".html", ".htm", ".xml", ".vue", ".svelte", ".astro",
                   ".jsx", ".tsx", ".php", ".erb"))  # fmt: skip
_COMMENT_BEGUN = re.compile(r"\s*(?:///?!?|\*|#|--+)\s*")
_NEARBY_CHARS = 20_000


def without_chat(text: str, place: FitContext) -> str:
    """The code of an answer: what its fence holds, or all of it up to a fence or a sentence about it."""
    extension = PurePosixPath(place.path).suffix.lower()
    if extension in _MARKDOWN or (place.before.literal is not None and not _is_all_fence(text, place)):
        first, line_end, below = text.partition("\n")
        if place.before.literal == LINE_COMMENT and extension not in _MARKDOWN:
            return first + line_end + _up_to_chat(below, place, extension)
        return text
    opening = _FENCE.match(text.lstrip())
    body = text.lstrip()
    if (said := _SENTENCE.match(body)) is not None and _is_said(said[0]) and extension not in _TEXT:
        fence = _FENCE.search(body)
        if fence is None:
            return body[said.end() :].lstrip("\n") if said[0].rstrip().endswith(":") else ""
        body = body[fence.start() :]
        opening = _FENCE.match(body)
    if opening is None:
        return _up_to_chat(text, place, extension)
    code = body[opening.end() :].removeprefix("\n")
    is_bare = opening[0].strip() == opening[1]
    closing = _FENCE.search(code)
    if is_bare and closing is None:  # the end of a block that nobody sees
        return ""
    return _up_to_chat(code, place, extension)


def _up_to_chat(text: str, place: FitContext, extension: str) -> str:
    ends = [found.start() for found in _FENCE.finditer(text) if not _is_in_literal(text[: found.start()], place)]
    ends += [
        found.start() for found in _FENCE_AT_END.finditer(text) if not _is_in_literal(text[: found.start()], place)
    ]
    if extension not in _TEXT:
        ends += [
            found.start()
            for found in _SENTENCE.finditer(text)
            if _is_said(found[0]) and found.start() > 0 and not _is_in_text(text, found.start(), place)
        ]
    return text[: min(ends)].rstrip("\n") if ends else text


def _is_said(sentence: str) -> bool:
    """Whether a line is a sentence, not code that begins with the same word."""
    num_words = len(sentence.split())
    return _CODE_CHARS.search(sentence) is None and (num_words >= _LEAST_WORDS or sentence.rstrip()[-1] in "!:")


def _is_all_fence(text: str, place: FitContext) -> bool:
    """Whether an answer is a fence and nothing else, and neither begins a comment nor closes one before the cursor."""
    if _FENCE.fullmatch(text.strip()) is None or _COMMENT_BEGUN.fullmatch(place.line):
        return False
    before = place.prefix[-_NEARBY_CHARS:]
    return len(re.findall(r"^[^\w\n]*`{3,}", before, re.MULTILINE)) % 2 == 0


def _is_in_text(text: str, at: int, place: FitContext) -> bool:
    """Whether the line that begins there is one of a string, or of a block of text such as YAML's."""
    white = leading(text[at:])
    above = f"{place.line}{text[:at]}".split("\n")
    header = next((line for line in reversed(above) if line.strip() and len(leading(line)) < len(white)), "")
    return _TEXT_BLOCK.search(header) is not None or _is_in_literal(text[:at], place)


def _is_in_literal(before: str, place: FitContext) -> bool:
    literal = scan(before, place.language, place.before.literal).literal
    return literal is not None and literal != LINE_COMMENT
