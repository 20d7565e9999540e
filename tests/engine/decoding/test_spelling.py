"""Spelling half-typed words: against every way to write the word, each by a prefill of its own."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

import pytest
import torch

from codeassist.engine.cache.live_cache import LiveCache
from codeassist.engine.decoding import spelling
from codeassist.engine.decoding.decode import DecodeParams, decode
from codeassist.engine.decoding.spelling import spell
from codeassist.engine.layers.model import Model
from codeassist.errors import Cancelled
from codeassist.tokenization.half_word import HalfWord
from tests.engine.conftest import MakeModel
from tests.monitor.fakes import tokenizer, trie

SEED = 20261130
WORDS = ("r", "re", "ret", "valu", "pair", "sel", "tot", "enc", "li", "ad", "x", "mo", "12", "é", "日", " ret", "\tin")
FAMILY = "qwen2"


def word_of(text: str) -> HalfWord:
    return HalfWord(text, tokenizer(FAMILY), trie(FAMILY))


def fresh_logits(model: Model, tokens: list[int]) -> torch.Tensor:
    return model.logits(LiveCache(model, 256).sync(tokens)[0])[0]


class Ways:
    """Every way to write a word after a prompt, without a trie and without a cache that is used again."""

    def __init__(self, model: Model, prompt: list[int], typed: bytes) -> None:
        self.model, self.prompt, self.typed = model, prompt, typed
        tokens = tokenizer(FAMILY)
        self.spelled = [tokens.token_bytes(token) for token in range(tokens.vocab_size)]

    def best(self) -> tuple[int, ...]:
        """The tokens before the answer's first one: the model's own if they begin as typed, else the likeliest."""
        own = self._own()
        return min(self._all((), self.typed, 0.0))[1] if own is None else own

    def finishing(self, left: bytes) -> list[int]:
        return [
            token
            for token in range(len(self.spelled))
            if not left or (self.spelled[token].startswith(left) and self.spelled[token] != left)
        ]

    def _own(self) -> tuple[int, ...] | None:
        path: tuple[int, ...] = ()
        left = self.typed
        while True:
            token = int(fresh_logits(self.model, [*self.prompt, *path]).argmax())
            if token >= len(self.spelled) or (left and not self.spelled[token]):
                return path if not left else None
            data = self.spelled[token]
            if not left or (data.startswith(left) and data != left):
                return path
            if not left.startswith(data):
                return None
            path, left = (*path, token), left[len(data) :]

    def _all(self, path: tuple[int, ...], left: bytes, cost: float) -> Iterator[tuple[float, tuple[int, ...]]]:
        logprobs = torch.log_softmax(fresh_logits(self.model, [*self.prompt, *path]), dim=-1)
        last = self.finishing(left) if left else list(range(len(logprobs)))
        if last:
            yield cost - float(logprobs[last].max()), path
        if left:
            for token, data in enumerate(self.spelled):
                if data and left.startswith(data):
                    yield from self._all((*path, token), left[len(data) :], cost - float(logprobs[token]))


def prompts(number: int) -> Iterator[list[int]]:
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    for _ in range(number):
        yield [rng.randrange(500) for _ in range(24)]


def test_a_word_is_spelled_as_the_likeliest_of_all_ways_unless_the_model_began_so_itself(
    tiny: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spelling, "_MOST_PASSES", 1000)
    model = tiny(FAMILY)[0]
    num_longer = 0
    for prompt in prompts(6):
        for text in WORDS:
            cache = LiveCache(model, 256)
            hidden, _ = cache.sync(prompt)
            word = word_of(text)
            spelled = spell(cache, hidden, word)
            ways = Ways(model, prompt, text.encode())
            assert spelled.tokens == ways.best(), text
            num_longer += bool(spelled.tokens)

            assert cache.tokens == [*prompt, *spelled.tokens]
            cache.check()
            written = b"".join(ways.spelled[token] for token in spelled.tokens)
            assert written + word.left == text.encode()
            expected = fresh_logits(model, cache.tokens)  # type: ignore[arg-type]
            may_come = torch.isfinite(spelled.logits)
            if word.left:
                assert may_come.nonzero().flatten().tolist() == ways.finishing(word.left)
            assert torch.allclose(spelled.logits[may_come], expected[may_come], atol=1e-4)
    assert 10 < num_longer < 6 * len(WORDS), "words of one token and of several"


def test_what_the_model_writes_from_a_word_s_start_it_writes_from_each_of_its_letters(tiny: MakeModel) -> None:
    """From any letter on, whatever tokens it takes: the tokens that cross the cursor are the same ones."""
    model = tiny(FAMILY)[0]
    tokens = tokenizer(FAMILY)
    num_cuts = 0
    for prompt in prompts(24):
        cache = LiveCache(model, 256)
        hidden, _ = cache.sync(prompt)
        whole = decode(cache, hidden, DecodeParams(12, tokens.eos_ids), accept=lambda *_: True).tokens
        data = tokens.decode_bytes(whole)
        for end in range(1, min(len(data), 12)):
            try:
                word = word_of(data[:end].decode())
            except UnicodeDecodeError:
                continue
            if any(not tokens.token_bytes(token) for token in whole[:end]):
                break  # a special token, which no typed text stands for
            cache.sync(prompt)
            spelled = spell(cache, hidden, word)
            rest = decode(
                cache,
                hidden,
                DecodeParams(12 - len(spelled.tokens), tokens.eos_ids),
                accept=lambda *_: True,
                first_logits=spelled.logits,
            )
            assert [*spelled.tokens, *rest.tokens] == whole
            num_cuts += 1
    assert num_cuts > 40


def test_likely_pieces_do_not_lead_the_search_astray(tiny: MakeModel) -> None:
    """A token that writes the first letter and is likelier than any that writes more, with nothing likely behind it."""
    model = tiny(FAMILY)[0]
    found = 0
    for prompt in prompts(20):
        for text in ("re", "va", "se", "li", "ad", "pa", "to"):
            ways = Ways(model, prompt, text.encode())
            logits = fresh_logits(model, prompt)
            letters = [token for token, data in enumerate(ways.spelled) if data == text[:1].encode()]
            whole = ways.finishing(text.encode())
            if not whole or float(logits[letters].max()) <= float(logits[whole].max()):
                continue
            cache = LiveCache(model, 256)
            spelled = spell(cache, cache.sync(prompt)[0], word_of(text))
            cost = {path: cost for cost, path in ways._all((), text.encode(), 0.0)}
            own = ways._own()
            if own is None:
                assert cost[spelled.tokens] <= min(cost.values()) + 1e-4
                found += spelled.tokens == ()
    assert found > 0


def test_few_passes_are_made_and_a_word_is_spelled_however_long_it_is(tiny: MakeModel) -> None:
    model = tiny(FAMILY)[0]
    for prompt in prompts(3):
        for text in ("zqzqzqzqzqzqzq", "valuesEncodingTotal", "日本語の", "0123456789" * 4):
            cache = LiveCache(model, 256)
            spelled = spell(cache, cache.sync(prompt)[0], word_of(text))
            assert spelled.num_passes <= spelling._MOST_PASSES + 1
            assert torch.isfinite(spelled.logits).any()
            cache.check()


def test_a_stop_before_any_pass_leaves_the_prompt(tiny: MakeModel) -> None:
    model = tiny(FAMILY)[0]
    num_stopped = 0
    for prompt in prompts(3):
        for text in (*WORDS, "zqzq", "valuesEnc"):
            cache = LiveCache(model, 256)
            hidden, _ = cache.sync(prompt)
            looks: list[bool] = []
            spell(cache, hidden, word_of(text), None, lambda looks=looks: bool(looks.append(False)))
            for num_looks in range(len(looks)):
                cache.truncate(len(prompt))
                left = iter([False] * num_looks)
                with pytest.raises(Cancelled):
                    spell(cache, hidden, word_of(text), None, lambda left=left: next(left, True))
                assert cache.tokens == prompt
                cache.check()
                num_stopped += num_looks > 0
    assert num_stopped > 0


@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_alternatives_and_samples_begin_as_typed_and_differ(tiny: MakeModel, temperature: float) -> None:
    model = tiny(FAMILY)[0]
    tokens = tokenizer(FAMILY)
    for prompt in prompts(4):
        firsts = set[int]()
        for rank in range(4):
            cache = LiveCache(model, 256)
            hidden, _ = cache.sync(prompt)
            word = word_of("l")
            spelled = spell(cache, hidden, word)
            params = DecodeParams(4, tokens.eos_ids, temperature, seed=rank, first_rank=rank)
            answer = decode(cache, hidden, params, accept=lambda *_: True, first_logits=spelled.logits)
            if answer.tokens:
                assert tokens.token_bytes(answer.tokens[0]).startswith(word.left)
                assert math.isfinite(answer.logprobs[0]) and answer.logprobs[0] <= 1e-6
                firsts.add(answer.tokens[0])
        assert len(firsts) >= 3
