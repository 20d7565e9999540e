"""What of a definition's skeleton stands beside it already, in the lines of the same file. Pure text.

A skeleton is a signature, a first line of documentation and the members' signatures, each on a line. Where the lines
that it was made from are in the prompt too, it says nothing new.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from codeassist.request import Snippet

_LEAST_TELLING_CHARS = 4
_COMMENTS = ("#", "//", "--")
_AROUND_DOC = re.compile(r'^(?:#|//+|--|"""|\'\'\'|\s)+|(?:"""|\'\'\'|\s)+$')
_ELISION = re.compile(r"\s*(?::\s*\.\.\.|\{\s*(?:\.\.\.\s*)?\}|\.\.\.|[{;:,])$")


def is_skeleton(snippet: Snippet) -> bool:
    """Say whether a snippet is a definition's skeleton: its lines are not the file's."""
    return snippet.source == "definition"


def beside_lines(skeleton: Snippet, others: Sequence[Snippet]) -> Snippet | None:
    """Return what of a snippet is worth showing beside others.

    Of a skeleton: without the members that stand there in lines of the file; None where nothing is left but its head,
    or where its whole definition stands there. Any other stays as it is.
    """
    if not is_skeleton(skeleton):
        return skeleton
    lines = [each for each in others if not is_skeleton(each) and _overlap(each, skeleton)]
    if not lines:
        return skeleton
    if any(each.start_line <= skeleton.start_line and skeleton.end_line <= each.end_line for each in lines):
        return None
    known = {_bare(line) for each in lines for line in each.text.splitlines()}
    text = skeleton.text.splitlines(keepends=True)
    num_head = next((n for n, line in enumerate(text, 1) if not line.startswith(_COMMENTS)), 1)
    head, members = text[:num_head], text[num_head:]
    left = [line for line in members if _bare(line) not in known or len(_bare(line)) < _LEAST_TELLING_CHARS]
    if not any(len(_bare(line)) >= _LEAST_TELLING_CHARS for line in left):
        is_known = any(_bare(line) in known for line in (*head[-1:], *members))
        return None if is_known else skeleton
    return skeleton if len(left) == len(members) else replace(skeleton, text="".join((*head, *left)))


def is_part_of_skeleton(part: Snippet, whole: Snippet) -> bool:
    """Say whether one snippet is what `beside_lines` left of another: the same definition's, with no other lines."""
    place, same_place = (
        (each.path, each.library, each.start_line, each.end_line, each.source) for each in (part, whole)
    )
    return is_skeleton(part) and place == same_place and set(part.text.splitlines()) <= set(whole.text.splitlines())


def _overlap(one: Snippet, other: Snippet) -> bool:
    is_same_file = one.path == other.path and one.library == other.library
    return is_same_file and one.start_line < other.end_line and other.start_line < one.end_line


def _bare(line: str) -> str:
    """A line without its indentation, the marks of documentation, and what stands for a body."""
    return _ELISION.sub("", _AROUND_DOC.sub("", line.strip()))
