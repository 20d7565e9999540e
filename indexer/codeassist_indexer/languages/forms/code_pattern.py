"""Pieces of the patterns by which the analysis tells code from strings and comments (`Analysis.code`).

A match is a bracket (group "bracket"), or a whole string or comment; of these, one that the text ends in sets a group
whose name begins with "open".
"""

from __future__ import annotations

BRACKETS = r"(?P<bracket>[()\[\]{}])"
BRACE_COMMENTS = r"//[^\n]*(?:(?=\n)|(?P<open_comment>\Z))|/\*(?:[^*]|\*(?!/))*(?:\*/|(?P<open_block>\Z))"
"""Comments of C and of all that took them over."""


def line_string(quote: str) -> str:
    """The pattern of a string that ends where its line does."""
    kind = "double" if quote == chr(34) else "single"
    return rf"{quote}(?:[^{quote}\\\n]|\\[\s\S])*(?:{quote}|(?=\n)|(?P<open_{kind}>\Z))"


def long_string(quote: str, group: str) -> str:
    """The pattern of a string in three quotes, in which a backslash escapes."""
    return rf"{quote * 3}(?:[^{quote}\\]|\\[\s\S]|{quote}(?!{quote * 2}))*(?:{quote * 3}|(?P<{group}>\Z))"


LINE_STRINGS = rf"{line_string(chr(34))}|{line_string(chr(39))}"
