"""Half-typed words: which texts end in one; the tokens that write it are those that looking at every token finds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codeassist.tokenization.half_word import HalfWord, half_word
from tests.monitor.fakes import TOKENIZERS, tokenizer, trie

LEFT = st.text(alphabet=" \tabcdefgilnorstuyzAB_019éß日", min_size=1, max_size=9).map(str.encode)
CUT_LEFT = st.builds(lambda data, at: data[at % len(data) :], LEFT, st.integers(0, 9))  # also from within a character


@pytest.mark.parametrize("name", TOKENIZERS)
def test_the_tokens_that_write_a_word_are_those_that_looking_at_each_finds(name: str) -> None:
    tokens, tree = tokenizer(name), trie(name)
    spelled = [tokens.token_bytes(token) for token in range(tokens.vocab_size)]
    word = HalfWord("x", tokens, tree)

    @settings(max_examples=3 if name.startswith("real") else 60, print_blob=True, deadline=None)
    @given(CUT_LEFT)
    def check(left: bytes) -> None:
        finishing = {token for token, data in enumerate(spelled) if data.startswith(left) and data != left}
        assert set(word.finishing(left).tolist()) == finishing
        beginning = {token: left[len(data) :] for token, data in enumerate(spelled) if data and left.startswith(data)}
        assert {token: after for group, after in word.beginning(left) for token in group.tolist()} == beginning
        rest = left
        for token, after in word.usual(left):
            assert rest == spelled[token] + after
            rest = after
        assert not rest or not is_text(left)

    check()


def is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize("name", ["qwen2", "sentencepiece"])
@pytest.mark.parametrize(
    ("prefix", "typed"),
    [
        ("", None),
        ("return ", None),
        ("x = self.", None),
        ("a->", None),
        ("f(", None),
        ("import os\n", None),
        ('"', None),
        ("ret", "ret"),
        ("    el", "el"),
        ("\tif", "if"),
        ("return ar", "ar"),
        ("x = self.cust", "cust"),
        ("a->ne", "ne"),
        ("std::ve", "ve"),
        ("f(cus", "cus"),
        ('{"na', "na"),
        ("x = 12", "12"),
        ("größ", "größ"),
        ("v" * 48, "v" * 48),
        ("v" * 49, None),
        ("\n" + "v" * 5000, None),
    ],
)
def test_a_word_is_what_of_letters_digits_and_underscores_stands_before_the_cursor(
    name: str, prefix: str, typed: str | None
) -> None:
    found = half_word(prefix, tokenizer(name), trie(name))
    assert (None if found is None else found.text) == typed
    if found is not None:
        assert found.left == found.text.encode()
