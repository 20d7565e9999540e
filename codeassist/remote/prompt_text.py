"""A prompt of token ids written as text, for servers that take nothing else. Pure.

A server reads markers in the text as special tokens wherever they stand, so what repositories and users wrote must not
spell one: such texts get a space after their first character.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from codeassist.tokenization.tokens import Tokenizer


class PromptWriter:
    """Writes prompts of one tokenizer as text."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._marker_of = {token_id: text for text, token_id in tokenizer.special.items()}
        # Longest first, so that of two markers with the same beginning the whole one is found. Runs of spaces, which
        # some vocabularies add as tokens, mean themselves.
        texts = sorted(filter(str.strip, tokenizer.special), key=len, reverse=True)
        self._marker = re.compile("|".join(map(re.escape, texts)) or "(?!)")

    def write(self, tokens: Sequence[int]) -> str:
        """The text that the server's tokenizer reads as these markers with these texts between them."""
        parts: list[str] = []
        plain: list[int] = []
        for token in tokens:
            marker = self._marker_of.get(token)
            if marker is None:
                plain.append(token)
                continue
            parts += (self._harmless(plain), marker)
            plain = []
        return "".join((*parts, self._harmless(plain)))

    def _harmless(self, tokens: Sequence[int]) -> str:
        """The text of plain tokens without anything that reads as a marker, nor half a character at a window's ends."""
        text = self._tokenizer.decode_bytes(tokens).decode("utf-8", "replace").strip("\ufffd")
        text = self._marker.sub(lambda found: f"{found[0][:1]} {found[0][1:]}", text)
        return self._marker.sub("\ufffd", text)  # a marker of one character, or one that the space has made
