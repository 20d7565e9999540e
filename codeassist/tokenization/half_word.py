"""The half-typed word before a cursor, which is left out of the prompt and written by the answer's first tokens.

Half words are no tokens (`retu`, `cust`): a model that goes on behind one writes what it never saw in its training. So
the prompt ends before the word, and the first tokens are held to the bytes that were typed ("token healing", of
guidance). The word's letters change nothing of the prompt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codeassist.tokenization.byte_trie import ByteTrie, Ids
    from codeassist.tokenization.tokens import Tokenizer

_MOST_CHARS = 48  # of a longer one, most tokens are certain
_AT_END = re.compile(r"\w+\Z")


class HalfWord:
    """One half-typed word, and the tokens that write it.

    `text` ends at the cursor. `left` is what of its bytes the answer's first token has to begin with, and to go on
    behind: all of them, until whoever decodes sets it to fewer, for the tokens before write the others.
    """

    def __init__(self, text: str, tokenizer: Tokenizer, trie: ByteTrie) -> None:
        self.text = text
        self.left = text.encode()
        self._tokenizer = tokenizer
        self._trie = trie

    def finishing(self, left: bytes) -> Ids:
        """The tokens that write `left` and go on behind it."""
        return self._trie.beyond(left)

    def beginning(self, left: bytes) -> Iterator[tuple[Ids, bytes]]:
        """The tokens that write a part of `left` or all of it, and what is left then."""
        for num_bytes, tokens in self._trie.beginnings_of(left):
            yield tokens, left[num_bytes:]

    def usual(self, left: bytes) -> list[tuple[int, bytes]]:
        """The tokens that a text of these bytes has, each with what is left after it; none where they begin within a
        character."""
        try:
            tokens = self._tokenizer.encode(left.decode())
        except UnicodeDecodeError:
            return []
        found: list[tuple[int, bytes]] = []
        for token in tokens:
            left = left[len(self._tokenizer.token_bytes(token)) :]
            found.append((token, left))
        return found


def half_word(prefix: str, tokenizer: Tokenizer, trie: ByteTrie) -> HalfWord | None:
    """The word that a text before a cursor ends with; None where there is none, and for one that is very long or that
    the vocabulary has no bytes for."""
    found = _AT_END.search(prefix[-_MOST_CHARS - 2 :])
    if found is None or len(found[0]) > _MOST_CHARS:
        return None
    word = found[0]
    if not word.isascii() and tokenizer.decode_bytes(tokenizer.encode(word)) != word.encode("utf-8", "replace"):
        return None
    return HalfWord(word, tokenizer, trie)
