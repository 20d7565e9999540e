"""Followed tokens against fresh ones: whatever is edited and wherever the cursor goes, the prompt is the same."""

from __future__ import annotations

import random
import threading

import pytest

from codeassist.document import change_between
from codeassist.prompts.prompt import Budget, build
from codeassist.prompts.templates import recognise
from codeassist.request import CompletionRequest, Snippet
from codeassist.tokenization import file_tokens
from codeassist.tokenization.file_tokens import DocumentTokens, FollowedTokens, FreshTokens, SnippetTokens
from tests.prompts.test_prompt import SNIPPETS, tokenizer_of
from tests.tiny_models import CODE

SEED = 20261121
PIECES = (
    "x",
    "(",
    ")",
    " = 1\n",
    "\n\n",
    "def f(a):\n    ",
    "é",
    "漢字",
    "😀",
    "e\u0301",
    "\r\n",
    "1234",
    "   ",
    "<|fim_middle|>",
)


def edited(text: str, rng: random.Random) -> str:
    for _ in range(rng.choice([0, 1, 1, 1, 3])):
        start = rng.randrange(len(text) + 1)
        end = min(len(text), start + rng.choice([0, 0, 1, 5, 60]))
        text = text[:start] + "".join(rng.choices(PIECES, k=rng.choice([0, 1, 1, 4]))) + text[end:]
    return text


@pytest.mark.parametrize("family", ["qwen2", "starcoder2", "llama"])
def test_a_followed_document_gives_the_prompt_of_a_fresh_one(family: str) -> None:
    print(f"seed {SEED}")
    rng = random.Random(f"{SEED} {family}")
    tokenizer = tokenizer_of(family)
    template = recognise(tokenizer.special)
    snippet_tokens = SnippetTokens(tokenizer)
    known = {path: DocumentTokens(snippet_tokens) for path in ("a.py", "b.py", "never.py")}
    texts = {"a.py": CODE * 3, "b.py": CODE[:900]}
    num_followed = 0
    for _ in range(400):
        path = rng.choice(list(texts))
        texts[path] = text = edited(texts[path], rng) or "x"
        cursor = rng.randrange(len(text) + 1)
        request = CompletionRequest(path, text[:cursor], text[cursor:])
        snippets: list[Snippet] = rng.sample(SNIPPETS, rng.randrange(len(SNIPPETS)))
        budget = Budget(rng.choice([80, 300, 1500]))
        if rng.random() < 0.3:
            known[rng.choice([path, "never.py"])].prepare()
        tokens = known[path].at(request.prefix, request.suffix)
        num_followed += isinstance(tokens, FollowedTokens)
        ours = build(request, snippets, template, tokenizer, budget, repository="r", file_tokens=tokens)
        assert ours == build(request, snippets, template, tokenizer, budget, repository="r")
    assert num_followed > 250


def test_what_was_prepared_beside_is_followed_at_once() -> None:
    tokenizer = tokenizer_of("qwen2")
    known = DocumentTokens(SnippetTokens(tokenizer))
    text = CODE * 20
    assert len(text) > 4_000
    assert isinstance(known.at(text[:100], text[100:]), FreshTokens)
    thread = threading.Thread(target=known.prepare)
    thread.start()
    thread.join()
    after = f"{text[:100]}x{text[100:]}"
    tokens = known.at(after[:101], after[101:])
    assert isinstance(tokens, FollowedTokens)
    assert tokens._live.num_encoded_chars < len(text) + 200
    assert tokens.before(0) == tokenizer.encode(after[:101]) and tokens.after(500) == tokenizer.encode(after[101:601])
    tokens._live.check()


def test_a_keystroke_tokenises_its_neighbourhood_only() -> None:
    tokenizer = tokenizer_of("qwen2")
    known = DocumentTokens(SnippetTokens(tokenizer))
    text = CODE * 10
    for number in range(20):
        prefix, suffix = text[:5000] + "value_of_x"[: number % 10], text[5000:]
        tokens = known.at(prefix, suffix)
        if number >= 2:
            assert isinstance(tokens, FollowedTokens)
            before = tokens._live.num_encoded_chars
            tokens.before(0)
            tokens.after(len(suffix))
            assert tokens._live.num_encoded_chars - before < 200


def test_another_text_or_a_huge_one_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    known = DocumentTokens(SnippetTokens(tokenizer_of("qwen2")))
    known.at(CODE, "")
    assert isinstance(known.at("entirely different\n" * 50, ""), FreshTokens)
    assert isinstance(known.at("entirely different\n" * 50, ""), FollowedTokens)
    monkeypatch.setattr(file_tokens, "_MOST_CHARS", 100)
    assert isinstance(known.at("entirely different\n" * 50, ""), FreshTokens)


def test_snippets_that_are_remembered_are_few() -> None:
    tokens = SnippetTokens(tokenizer_of("qwen2"))
    for number in range(2 * file_tokens._MOST_SNIPPETS):
        tokens.encode(f"snippet {number}")
    assert tokens._encoded.cache_info().currsize == file_tokens._MOST_SNIPPETS


def test_a_change_between_two_texts_is_what_lies_between_their_common_ends() -> None:
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    for _ in range(2_000):
        old = "".join(rng.choices("ab\n😀", k=rng.choice([0, 1, 5, 70, 400])))
        new = edited(old, rng)
        change = change_between(old, new)
        middle = new[change.start_char : change.new_end_char]
        assert old[: change.start_char] + middle + old[change.end_char :] == new
        removed = old[change.start_char : change.end_char]
        assert not (removed and middle) or (removed[0] != middle[0] and removed[-1] != middle[-1])
