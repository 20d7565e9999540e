"""What a completion says of its answer's beginning: enough, given up, chosen by analysis, or not told."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

from codeassist.completion.pipeline import AnswerReader, Generated, Prepared, complete
from codeassist.request import Completion, CompletionRequest, MonitorAct, Trace

Token = tuple[str, float]


def completed(*tokens: Token, min_confidence: float = 0.5, acts: tuple[MonitorAct, ...] = ()) -> Completion:
    request = CompletionRequest("a.py", "x = ", "\n", min_confidence=min_confidence)
    answer = AnswerReader(request)
    for text, probability in tokens:
        if not answer.read(text.encode(), math.log(probability)):
            break
    prompt: Any = SimpleNamespace(snippets=())
    trace = Trace({"retrieve": 1.0, "prompt": 1.0}, monitor_acts=acts)
    prepared = Prepared(request, prompt, (), prompt, trace, None)
    return complete(Generated(prepared, answer, "stop_token", trace, 1.0), "imagined")


def test_all_of_a_sure_answer_is_its_beginning() -> None:
    done = completed(("area", 0.9), ("(x", 0.9), (")", 0.9))
    assert (done.text, done.sure) == ("area(x)", "area(x)")


def test_a_doubtful_end_is_none_of_it() -> None:
    done = completed(("area", 0.9), ("(one", 0.9), (", ", 0.9), ("two", 0.1), (", three)", 0.9))
    assert (done.text, done.sure) == ("area(one, two, three)", "area(one")


def test_where_nothing_is_sure_the_first_word_of_what_is_shown_is_left() -> None:
    done = completed(("area", 0.05), *[("(x", 0.99)] * 6)
    assert done.text.startswith("area(x") and done.sure == "area"


def test_an_answer_that_was_given_up_keeps_what_was_sure_of_it() -> None:
    done = completed(("area", 0.9), ("(", 0.9), *[("doubt", 0.02)] * 9)
    assert (done.text, done.finish_reason, done.sure) == ("", "unlikely", "area")
    assert completed(*[("doubt", 0.02)] * 9).sure == ""


def test_a_name_that_analysis_chose_is_none_of_the_doubts() -> None:
    act = MonitorAct("member", 0, "overruled", "area", wanted="size", strength="sure", wanted_probability=0.8)
    tokens: tuple[Token, ...] = (("ar", 0.06), ("ea", 0.9), ("(x)", 0.9), ("[0]", 0.9), (" + y", 0.9))
    assert completed(*tokens, acts=(act,)).sure == "area(x)[0] + y"
    assert completed(*tokens).sure == "area"


def test_who_asked_is_told_too() -> None:
    done = completed(("area", 0.9), ("(one", 0.2), (")", 0.2), min_confidence=0.0)
    assert (done.text, done.sure) == ("area(one)", "area(one")


def test_without_tokens_nothing_is_doubted() -> None:
    assert completed().sure == completed().text == ""
