"""Pieces of the patterns by which the analysis tells code from strings and comments (`Analysis.code`).

A match is a bracket (group "bracket"), or a whole string or comment; of these, one that the text ends in sets a group
whose name begins with "open".
"""

from __future__ import annotations

ESCAPED = r"\\(?:[\s\S]|\Z)"
"""What a backslash begins. It may be the last of the text, in a string that is open then: were it none, the search
would begin anew at every quote before it."""
BRACKETS = r"(?P<bracket>[()\[\]{}])"
BRACE_COMMENTS = r"//[^\n]*(?:(?=\n)|(?P<open_comment>\Z))|/\*(?:[^*]|\*(?!/))*(?:\*/|(?P<open_block>\Z))"
"""Comments of C and of all that took them over."""


def line_string(quote: str) -> str:
    """The pattern of a string that ends where its line does."""
    kind = "double" if quote == chr(34) else "single"
    return rf"{quote}(?:[^{quote}\\\n]|{ESCAPED})*(?:{quote}|(?=\n)|(?P<open_{kind}>\Z))"


def long_string(quote: str, group: str) -> str:
    """The pattern of a string in three quotes, in which a backslash escapes."""
    return rf"{quote * 3}(?:[^{quote}\\]|{ESCAPED}|{quote}(?!{quote * 2}))*(?:{quote * 3}|(?P<{group}>\Z))"


LINE_STRINGS = rf"{line_string(chr(34))}|{line_string(chr(39))}"
