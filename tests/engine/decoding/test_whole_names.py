"""Where a name is forbidden, the likeliest whole name comes, not the one that begins likeliest."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from codeassist.engine.cache.live_cache import LiveCache
from codeassist.engine.decoding.decode import DecodeParams, decode
from codeassist.engine.decoding.whole_names import MOST_NAMES, best_name
from codeassist.engine.layers.model import Model
from codeassist.tokenization.byte_trie import NOT_AFTER_NAME
from tests.engine.conftest import MakeModel, tiny
from tests.monitor.fakes import Says, monitor_of, tokenizer, trie

__all__ = ["tiny"]
SEED = 20261130


def logprob(model: Model, prompt: Sequence[int], name: Sequence[int], ends: np.ndarray) -> float:
    """The slow oracle: each name read by itself after the prompt."""
    cache = LiveCache(model, 256)
    first, _ = cache.sync(list(prompt))
    rows = torch.log_softmax(model.logits(torch.cat([first, cache.extend(list(name))])).float(), dim=-1)
    written = sum(float(rows[place, token]) for place, token in enumerate(name))
    return written + float(torch.logsumexp(rows[-1][torch.from_numpy(np.flatnonzero(ends))], dim=-1))


@pytest.mark.parametrize("family", ["qwen2", "llama", "starcoder2"])
def test_the_likeliest_whole_name_is_found_in_one_pass(tiny: MakeModel, family: str) -> None:
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    model = tiny(family)[0]
    ends = np.zeros(512, dtype=bool)
    ends[rng.sample(range(512), 100)] = True
    for _ in range(4):
        prompt = [rng.randrange(500) for _ in range(40)]
        stems = [[rng.randrange(500)] for _ in range(3)]
        ways = [[rng.randrange(500) for _ in range(rng.randrange(3))] for _ in range(MOST_NAMES)]
        names = [[*rng.choice(stems), *rest] for rest in ways]
        cache = LiveCache(model, 256)
        hidden, _ = cache.sync(prompt)
        logits = model.logits(hidden)[0]
        cache.extend([7, 8, 9])  # drafts that stand behind: they are no past, and stay what they are
        found = best_name(cache, len(prompt), logits, names, ends)
        oracle = [logprob(model, prompt, name, ends) for name in names]
        assert logprob(model, prompt, found, ends) == pytest.approx(max(oracle), abs=1e-3)
        assert list(cache.tokens) == [*prompt, 7, 8, 9]
        cache.check()
        again = LiveCache(model, 256)
        again.sync(prompt)
        again.extend([7, 8, 9])
        assert torch.equal(again.states.k[:, :, : len(again.tokens)], cache.states.k[:, :, : len(again.tokens)])


def test_decoding_under_a_monitor_writes_the_best_name(tiny: MakeModel) -> None:
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    model, tokens, names_trie = tiny("qwen2")[0], tokenizer("qwen2"), trie("qwen2")
    ends = names_trie.after_name
    num_other = 0
    for _ in range(6):
        letters = "abcdefgstuvxz_"
        names = {"".join(rng.choice(letters) for _ in range(rng.randrange(3, 9))) for _ in range(8)}
        prompt = tokens.encode("x = order" + "".join(rng.choice(letters) for _ in range(30)) + ".")
        cache = LiveCache(model, 256)
        hidden, _ = cache.sync(prompt)
        logits = model.logits(hidden)[0]
        monitor = monitor_of("qwen2", Says(member=names), "x.")
        decoded = decode(cache, hidden, DecodeParams(12, frozenset()), accept=lambda *_: True, monitor=monitor)
        text = b"".join(tokens.token_bytes(token) for token in decoded.tokens)
        spelled = [names_trie.cut(name.encode()) for name in sorted(names)]
        best = max(spelled, key=lambda each: logprob(model, prompt, each, ends[:512]))
        written = b"".join(tokens.token_bytes(token) for token in best)
        wanted = tokens.token_bytes(int(logits.argmax()))
        if any(name.encode().startswith(wanted) for name in names):
            continue  # the model's own choice begins a name: nothing is forbidden there
        assert text.startswith(written) and (len(text) == len(written) or text[len(written)] not in NOT_AFTER_NAME)
        greedy = max(spelled, key=lambda each: float(logits[each[0]]))
        num_other += greedy[0] != best[0]
    assert num_other, "the likeliest first piece is not the likeliest name's each time"
