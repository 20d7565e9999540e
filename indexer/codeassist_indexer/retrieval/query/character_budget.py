"""How much room a snippet takes of a prompt, in characters, and what of one fits.

Knows no source of snippets and no ranking.
"""

from __future__ import annotations

from dataclasses import replace

from codeassist.request import Snippet

HEADER_CHARS = 60  # about what a prompt spends on a snippet's path and separators
LEAST_SNIPPET_CHARS = 120  # less of one is not worth its header


def cut(snippet: Snippet, max_chars: int) -> Snippet | None:
    """Return the snippet cut after the last whole line that fits, None if none does."""
    text = snippet.text[: snippet.text.rfind("\n", 0, max_chars) + 1]
    if not text:
        return None
    is_skeleton = snippet.source == "definition"  # its lines are not the file's lines
    end_line = snippet.end_line if is_skeleton else snippet.start_line + text.count("\n")
    return replace(snippet, text=text, end_line=end_line)
