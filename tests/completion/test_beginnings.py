"""How far an answer is sure: boundaries, likelihood, and that it never says what the answer does not."""

from __future__ import annotations

import random
from math import prod

import pytest

from codeassist.completion.beginnings import as_fitted, ends, first_word, sure_beginning
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
    assert sure_beginning(text_of(CALL), CALL, least=least) == sure


def test_what_stands_behind_a_doubt_is_never_in_it() -> None:
    doubtful = tokens(("first", 0.1), (" = second", 0.99))
    assert sure_beginning("first = second", doubtful, least=0.5) == ""


def test_all_of_an_answer_that_is_sure_whatever_it_ends_with() -> None:
    for whole in ("(", "x.", "ab", "foo(\n    bar,"):
        assert sure_beginning(whole, tokens((whole, 0.9)), least=0.5) == whole


def test_a_letter_or_two_are_typed_as_fast() -> None:
    assert sure_beginning("if value", tokens(("if", 0.9), (" value", 0.1)), least=0.5) == ""
    assert sure_beginning("for value", tokens(("for", 0.9), (" value", 0.1)), least=0.5) == "for"


def test_lines_end_before_their_line_end() -> None:
    block = tokens(("run()\n", 0.9), ("    stop", 0.9), ("()\n", 0.2))
    assert sure_beginning("run()\n    stop()\n", block, least=0.5) == "run()\n    stop"
    assert list(ends("a b\n c")) == [1, 3, 6]
    assert list(ends("")) == []
    assert list(ends('f(x)["k"];')) == [1, 3, 4, 6, 7, 8, 9, 10], (
        "closing quotes and brackets; no opening ones but quotes"
    )


def test_where_the_tokens_are_not_known_nothing_is_sure() -> None:
    assert sure_beginning("anything", []) == ""
    assert sure_beginning("anything more", tokens(("anything", 0.9))) == "anything"


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
        sure = sure_beginning(text, written, least=least)
        assert text.startswith(sure) and (not sure or len(sure) in set(ends(text)))
        num_written, probabilities = 0, list[float]()
        for token in written:
            if num_written >= len(sure):
                break
            num_written += len(token.text)
            probabilities.append(token.probability)
        assert not sure or prod(probabilities) >= least * (1 - 1e-9)
        assert len(sure) >= len(sure_beginning(text, written, least=min(1.0, least + 0.1))), (
            "more is asked: less is sure"
        )


def test_the_mean_of_a_beginning_counts_as_that_of_an_answer() -> None:
    hard = tokens(("name", 0.3), ("(value", 0.99), (")", 0.99))
    assert sure_beginning("name(value)", hard, min_confidence=0.5) == "name(value)"
    assert sure_beginning("name(value)", hard[:2], min_confidence=0.7) == ""
    assert sure_beginning("name(value", [*hard[:1], AnswerToken("(value", 0.2)], min_confidence=0.5) == ""


def test_names_that_analysis_chose_are_not_doubted() -> None:
    chosen = tokens((" area", 0.001), ("_of", 0.001), ("(", 0.9), ("x", 0.05))
    assert sure_beginning(" area_of(x", chosen) == ""
    assert sure_beginning(" area_of(x", chosen, known=[range(1, 8)]) == " area_of"


def test_the_first_word_is_worth_accepting() -> None:
    assert [first_word(text) for text in ("self.x", "a = bcd", "\n  if x", "(", "")] == [
        "self",
        "a = bcd",
        "\n  if x",
        "(",
        "",
    ]


@pytest.mark.parametrize(
    ("beginning", "fitted", "left"),
    [
        ("a(b", "a(b, c)", "a(b"),
        ("\n  a(b", "\n\ta(b, c)", "\n\ta(b"),
        ("a (b", "a(b, c)", "a(b"),
        ("a(b, c)", "a(b", "a(b"),
        ("return a", "a + b", None),
        ("", "a", ""),
        (" \n", "a", ""),
    ],
)
def test_a_beginning_is_found_again_in_what_was_fitted(beginning: str, fitted: str, left: str | None) -> None:
    assert as_fitted(beginning, fitted) == left
