"""How far an answer is sure: boundaries, likelihood, and that it never says what the answer does not."""

from __future__ import annotations

import random
from math import prod

import pytest

from codeassist.completion.beginnings import ends, sure_beginning
from codeassist.request import AnswerToken


def tokens(*pairs: tuple[str, float]) -> list[AnswerToken]:
    return [AnswerToken(text, probability) for text, probability in pairs]


def text_of(written: list[AnswerToken]) -> str:
    return "".join(token.text for token in written)


CALL = tokens(("area", 0.9), ("(", 0.95), ("width", 0.9), (",", 0.9), (" hei", 0.8), ("ght", 0.3), (")", 0.9))


@pytest.mark.parametrize(
    ("least", "sure"),
    [(0.1, "area(width, height)"), (0.2, "area(width"), (0.7, "area(width"), (0.8, "area"), (0.95, "")],
)
def test_it_ends_with_a_word_before_the_doubtful_one(least: float, sure: str) -> None:
    assert sure_beginning(text_of(CALL), CALL, least) == sure


def test_what_stands_behind_a_doubt_is_never_in_it() -> None:
    doubtful = tokens(("first", 0.1), (" = second", 0.99))
    assert sure_beginning("first = second", doubtful, 0.5) == ""


def test_all_of_an_answer_that_is_sure_whatever_it_ends_with() -> None:
    for whole in ("(", "x.", "ab", "foo(\n    bar,"):
        assert sure_beginning(whole, tokens((whole, 0.9)), 0.5) == whole


def test_a_letter_or_two_are_typed_as_fast() -> None:
    assert sure_beginning("if value", tokens(("if", 0.9), (" value", 0.1)), 0.5) == ""
    assert sure_beginning("for value", tokens(("for", 0.9), (" value", 0.1)), 0.5) == "for"


def test_lines_end_before_their_line_end() -> None:
    block = tokens(("run()\n", 0.9), ("    stop", 0.9), ("()\n", 0.2))
    assert sure_beginning("run()\n    stop()\n", block, 0.5) == "run()\n    stop"
    assert list(ends("a b\n c")) == [1, 3, 6]
    assert list(ends("")) == []
    assert list(ends('f(x)["k"];')) == [1, 3, 4, 6, 7, 8, 9, 10], (
        "closing quotes and brackets; no opening ones but quotes"
    )


def test_where_the_tokens_are_not_known_nothing_is_sure() -> None:
    assert sure_beginning("anything", [], 0.5) == ""
    assert sure_beginning("anything more", tokens(("anything", 0.9)), 0.5) == "anything"


def test_random_answers_begin_with_it_and_it_is_as_likely_as_was_asked_for() -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    for _ in range(300):
        written = [
            AnswerToken("".join(rng.choices("ab_ .(),\n;é", k=rng.randint(0, 4))), rng.random() ** 0.2)
            for _ in range(rng.randint(0, 12))
        ]
        whole = text_of(written)
        text, least = whole[: rng.randint(0, len(whole))], rng.random()
        sure = sure_beginning(text, written, least)
        assert text.startswith(sure) and (not sure or len(sure) in set(ends(text)))
        num_written, probabilities = 0, list[float]()
        for token in written:
            if num_written >= len(sure):
                break
            num_written += len(token.text)
            probabilities.append(token.probability)
        assert not sure or prod(probabilities) >= least
        assert len(sure) >= len(sure_beginning(text, written, min(1.0, least + 0.1))), "more is asked: less is sure"
