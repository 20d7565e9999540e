"""The trie: what it finds is what looking at every token finds; a file of it is as good as a new one."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codeassist.tokenization.byte_trie import NOT_AFTER_NAME, ByteTrie, build_arrays, open_trie
from tests.monitor.fakes import TOKENIZERS, tokenizer, trie
from tests.tiny_models import save_model

NAMES = st.text(alphabet="abcdefgprstxyzAB_019éß日", min_size=1, max_size=8) | st.sampled_from(
    ["self", "read_lines", "most_common", "append", "x", "größe", "数据", "values"]
)
LEADS = st.sampled_from(["", " ", ".", "->", "\n    ", "(self.", "x"])


@pytest.mark.parametrize("name", TOKENIZERS)
def test_tokens_towards_names_are_those_that_looking_at_each_finds(name: str) -> None:
    tokens = tokenizer(name)
    spelled = [tokens.token_bytes(token) for token in range(tokens.vocab_size)]
    tree = trie(name)

    @settings(max_examples=1 if name.startswith("real") else 25, print_blob=True, deadline=None)
    @given(st.lists(NAMES, max_size=8), LEADS)
    def check(names: list[str], lead: str) -> None:
        start = lead.encode()
        rests = sorted({each.encode() for each in names})

        def leads_to(data: bytes) -> bool:
            rest = data[len(start) :]
            return (
                data.startswith(start)
                and rest != b""
                and any(
                    each.startswith(rest) or (rest.startswith(each) and rest[len(each)] not in NOT_AFTER_NAME)
                    for each in rests
                )
            )

        expected = {token for token, data in enumerate(spelled) if leads_to(data)}
        assert set(tree.tokens_towards(start, rests).tolist()) == expected

    check()


@pytest.mark.parametrize("name", TOKENIZERS)
def test_flags_are_those_of_every_token(name: str) -> None:
    tokens = tokenizer(name)
    spelled = [tokens.token_bytes(token) for token in range(tokens.vocab_size)]
    tree = trie(name)
    after = [not data or data[0] not in NOT_AFTER_NAME for data in spelled]
    assert tree.after_name.tolist() == after
    for token in np.flatnonzero(tree.equals):
        data = spelled[token].lstrip(b" \t")
        assert data.startswith(b"=") and data[1:2] not in (b"=", b">")
    assert tree.equals[tokens.encode("=")[0]]
    assert not tree.equals[tokens.encode("==")[0]] or len(tokens.encode("==")) == 2


def test_tokens_of_the_same_bytes_are_all_found_and_none_needs_bytes() -> None:
    arrays = build_arrays([(3, b"ab"), (1, b"ab"), (0, b"a"), (2, b""), (4, b"ab(")], 5)
    assert sorted(ByteTrie(arrays).tokens_towards(b"", [b"ab"]).tolist()) == [0, 1, 3, 4]
    assert ByteTrie(build_arrays([], 0)).tokens_towards(b"", [b"ab"]).tolist() == []


def test_a_file_serves_the_next_start_and_a_broken_one_is_made_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save_model(tmp_path / "model", "qwen2")
    tokens, described = tokenizer("qwen2"), tmp_path / "model" / "tokenizer.json"
    first = open_trie(tokens, described, tmp_path / "tries")
    (file,) = (tmp_path / "tries").iterdir()
    again = open_trie(tokens, described, tmp_path / "tries")
    for array in ("labels", "first_child", "low", "high", "ends", "ids"):
        assert np.array_equal(getattr(again.arrays, array), getattr(first.arrays, array))
    file.write_bytes(file.read_bytes()[:100])
    with caplog.at_level(logging.WARNING):
        mended = open_trie(tokens, described, tmp_path / "tries")
    assert "made again" in caplog.text
    assert np.array_equal(mended.arrays.ids, first.arrays.ids)
    assert len(file.read_bytes()) > 100
    (tmp_path / "no folder").write_text("")
    assert open_trie(tokens, described, tmp_path / "no folder").size == first.size
