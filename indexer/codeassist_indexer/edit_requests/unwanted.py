"""What no edit may bring into a file, whatever proposed it."""

from __future__ import annotations

from codeassist.control_characters import brings_control_characters
from codeassist.edits.change import LineChange
from codeassist_indexer.fitting.redaction_marks import without_redaction


def is_unwanted(change: LineChange, text: str) -> bool:
    """Whether a change brings the marks of a secret, or characters that nobody sees, into a text without them."""
    known = set(text.split("\n"))
    if any(without_redaction(line, "") != line for line in change.new if line not in known):
        return True
    return brings_control_characters("\n".join(change.new), text, "")
