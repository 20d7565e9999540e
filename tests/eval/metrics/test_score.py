"""The metrics equal what CrossCodeEval's official script printed for the same predictions."""

from __future__ import annotations

import pytest

from codeassist_eval.metrics.score import CROSSCODEEVAL_AGGREGATES, PERCENT, Score, aggregate, crosscodeeval_score
from codeassist_eval.metrics.similarity import fuzz_ratio, levenshtein_similarity
from codeassist_eval.metrics.statement import cut_statement
from codeassist_eval.tasks.task import Language

PROMPT = "import os\n\ndef f(a, b):\n    return "
LONG = (
    "sum(values, values.length, offset, offset + size, scale, scale * factor, limit, limit - offset, names, "
    "names.size(), others, others.size(), first, first.next(), last, last.previous(), count, count + 1, total, "
    "total - 1)"
)
LONG_TRUTH = (
    "sum(values, values.length, offset, offset - size, scale, scale / factor, limit, limit + offset, names, "
    "names.length(), others, others.length(), first, first.prev(), last, last.next(), count, count - 1, total, "
    "total + 1);"
)

# language, prompt, prediction, truth -> judged, EM, ES, identifier EM, (true and false positives, false negatives); the
# right side is the output of scripts/eval_metric.py of amazon-science/cceval, run on the left side.
OFFICIAL: dict[str, tuple[Language, str, str, str, str, int, int, int, tuple[int, int, int]]] = {
    "cut at the statement's end": (
        "python", PROMPT, "os.path.join(a, b)\n\nprint(f(1, 2))", "os.path.join(a, b)",
        "os.path.join(a, b)", 1, 100, 1, (5, 0, 0),
    ),
    "a statement over lines": (
        "python", PROMPT, "os.path.join(\n        a,\n        b)\nx = 1\n", "os.path.join(a,\n        b)",
        "os.path.join(\n        a,\n        b)", 0, 85, 1, (5, 0, 0),
    ),
    "not cut at its own end": (
        "python", PROMPT, "os.path.join(a, b)   ", "os.path.join(a, b)",
        "os.path.join(a, b)   ", 1, 100, 1, (5, 0, 0),
    ),
    "floor division is a comment": ("python", PROMPT, "a // b  # halves\n", "a // 2", "a ", 1, 100, 1, (1, 0, 0)),
    "never cut before the second character": (
        "python", PROMPT, "\nos.getcwd()\n", "os.getcwd()", "\nos.getcwd()", 1, 100, 1, (2, 0, 0),
    ),
    "empty": ("python", PROMPT, "", "os.getcwd()", "", 0, 0, 0, (0, 0, 2)),
    "never parses": ("python", PROMPT, "(a, b\n\ndef g(:\n", "(a, b)", "(a, b\n\ndef g(:\n", 0, 50, 0, (2, 1, 0)),
    "a missing bracket is no error": ("python", "def broken(:\n    x = ", "1\ny = 2\n", "1", "1", 1, 100, 1, (0, 0, 0)),
    "identifiers start in ASCII": (
        "python", PROMPT, "naïve + été_1\n", "naïve + b", "naïve + été_1", 0, 73, 0, (1, 0, 1),
    ),
    "strings hold no identifiers": (
        "python", PROMPT, "'it\\'s' + name(\"a b\") + True\n", "'its' + name('c')",
        "'it\\'s' + name(\"a b\") + True", 0, 62, 0, (1, 1, 0),
    ),
    "repeated identifiers count once": (
        "python", PROMPT, "a if a else None\n", "a if b else None", "a if a else None", 0, 94, 0, (1, 0, 1),
    ),
    "cut at a semicolon in a string": (
        "java", "class A { void f() { ", 'list.add(new Item("a;b")); x();', 'list.add(new Item("a;b"));',
        'list.add(new Item("a;', 0, 89, 0, (3, 1, 0),
    ),
    "a first semicolon cuts nothing": (
        "java", "class A { void f() { ", ";foo(); bar();", "foo();", ";foo(); bar();", 0, 60, 0, (1, 1, 0),
    ),
    "cut at a brace": (
        "java", "class A { void f() { ", "if (ready) { go(); }", "if (ready) {", "if (ready) {", 1, 100, 1, (1, 0, 0),
    ),
    "a hash is a comment in TypeScript too": (
        "typescript", "const x = ", "load(`#${id}`, 'http://a') as Foo;\n", "load(`#${id}`, 'https://a') as Bar;",
        "load(`", 1, 100, 1, (1, 0, 0),
    ),
    "a C# property": (
        "csharp", "class A { ", "public string Name { get; set; } #region", "public string Name { get; }",
        "public string Name {", 0, 85, 0, (1, 0, 1),
    ),
    "difflib ignores frequent characters of long texts": (
        "java", "int total = ", LONG, LONG_TRUTH, LONG, 0, 24, 0, (15, 1, 1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", OFFICIAL)
def test_equals_the_official_script(case: str) -> None:
    language, prompt, prediction, truth, judged, em, es, id_em, (hits, wrong, missed) = OFFICIAL[case]

    score = crosscodeeval_score("t", language, prompt, prediction, truth)

    assert score.judged == judged
    values = {name: score.values[name] for name in ("em", "es", "id_em")}
    assert values == {"em": em, "es": es, "id_em": id_em}
    assert score.values["id_precision"] == (hits / (hits + wrong) if hits + wrong else 0)
    assert score.values["id_recall"] == (hits / (hits + missed) if hits + missed else 0)
    assert score.values["id_f1"] == (2 * hits / (2 * hits + wrong + missed) if hits + wrong + missed else 0)


def test_a_prompt_that_does_not_parse_cuts_nothing() -> None:
    assert cut_statement("python", "x = = 1\ny = ", "1\nz = 2\n") == "1\nz = 2\n"


def test_lone_surrogates_are_judged_whole() -> None:
    assert cut_statement("python", "x = ", "'\ud800'\ny = 1\n") == "'\ud800'\ny = 1\n"


@pytest.mark.parametrize(
    ("prediction", "truth", "solved"),
    [
        ("load(path)\nmore()", "load(path)", True),
        ("  load(path)  ", "load(path)", True),
        ("load(path, 1)", "load(path)", False),
        ("Widget(\n    a,\n    b)", "Widget(\n    a,", True),
        ("", "load(path)", False),
    ],
)
def test_rest_of_line(prediction: str, truth: str, solved: bool) -> None:
    assert crosscodeeval_score("t", "python", "x = ", prediction, truth).values["line_em"] == solved


def test_rest_of_line_keeps_comments_that_em_removes() -> None:
    score = crosscodeeval_score("t", "python", "x = ", "a # one", "a # two")

    assert (score.values["em"], score.values["line_em"]) == (1, 0)


def test_means_are_rounded_as_printed() -> None:
    scores = [Score(str(i), "", "", dict.fromkeys(CROSSCODEEVAL_AGGREGATES, float(i < 2))) for i in range(3)]

    assert aggregate(scores, CROSSCODEEVAL_AGGREGATES)["em"] == 66.67
    assert aggregate(scores, CROSSCODEEVAL_AGGREGATES)["es"] == 0.67
    assert aggregate([], CROSSCODEEVAL_AGGREGATES) == {"n": 0}


def test_percentages_follow_the_official_order_of_operations() -> None:
    # 57 of 800: 57 / 800 * 100 rounds to 7.12 or 7.13, depending on whether it is multiplied before it is divided
    values = [1.0] * 57 + [0.0] * 743

    assert PERCENT(values) == round(57 / 800 * 100, 2)


def test_fuzz_ratio_is_not_symmetric() -> None:
    assert (fuzz_ratio("aabb", "abab"), fuzz_ratio("", ""), fuzz_ratio("", "a")) == (75, 100, 0)
    pairs = [("tide", "diet"), ("abcd", "dcba"), ("abab", "bbaa"), ("private", "pirate")]
    assert any(fuzz_ratio(left, right) != fuzz_ratio(right, left) for left, right in pairs)


def test_levenshtein_similarity() -> None:
    assert levenshtein_similarity("kitten", "sitting") == 1 - 3 / 7
    assert levenshtein_similarity("", "") == 1.0
