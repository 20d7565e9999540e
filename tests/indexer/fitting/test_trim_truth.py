"""Trimming what really stands in this repository's own files: the truth stays, and what models add to it goes.

The places are random; a failure prints the seed and the place.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from codeassist_eval.fitting.spoilt_answers import Case, cases, is_equal
from codeassist_indexer.fitting.nearby_text import near_before, near_behind
from codeassist_indexer.fitting.trim import fit, fit_at, lines_wanted, place_of, trim
from codeassist_indexer.languages.registry import language_of

ROOT = Path(__file__).resolve().parents[3]
LANGUAGES = {"python": "codeassist/**/*.py", "typescript": "editor-plugins/vscode/src/**/*.ts"}
NUM_PLACES = 250
# An answer that its length cut off may end where nobody can tell what is the file's and what the answer's.
KINDS = ("line", "statement", "brackets", "body", "unclosed body")


def some_cases(pattern: str, seed: int) -> list[Case]:
    rng = random.Random(seed)
    files = [(path.relative_to(ROOT).as_posix(), path.read_text("utf-8")) for path in sorted(ROOT.glob(pattern))]
    files = [(path, text) for path, text in files if "<|" not in text]  # what spells tokens itself may go on to
    assert files, f"{pattern} matches no file"
    found = [case for _ in range(NUM_PLACES) for case in cases(*rng.choice(files), rng)]
    return [case for case in found if case.kind in KINDS]


def told(case: Case, seed: int) -> str:
    place = f"{case.prefix[-200:]}│{case.suffix[:100]}"
    got = trim(case.answer, case.prefix, case.suffix, case.path)
    return f"seed {seed}: {case.path}\n{place}\ntruth {case.truth!r}\nanswer {case.answer!r}\ngot {got!r}"


def wrong(found: list[Case]) -> list[Case]:
    return [each for each in found if not is_equal(trim(each.answer, each.prefix, each.suffix, each.path), each.truth)]


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_truth_stays_and_what_models_add_to_it_goes(language: str) -> None:
    seed = random.randrange(1_000_000)
    found = some_cases(LANGUAGES[language], seed)
    plain = [case for case in found if case.spoilt is None]
    spoilt = [case for case in found if case.spoilt is not None]
    assert len(plain) > NUM_PLACES / 2 and len(spoilt) > NUM_PLACES, f"seed {seed}"
    changed, unmended = wrong(plain), wrong(spoilt)
    # Code that stands twice below each other looks like a repetition: a few of a thousand cannot be told.
    assert len(changed) <= 0.02 * len(plain), "\n\n".join(told(case, seed) for case in changed)
    assert len(unmended) <= 0.05 * len(spoilt), "\n\n".join(told(case, seed) for case in unmended)


def test_trimming_twice_is_trimming_once() -> None:
    seed = random.randrange(1_000_000)
    for case in some_cases(LANGUAGES["python"], seed)[::5]:
        once = trim(case.answer, case.prefix, case.suffix, case.path)
        assert trim(once, case.prefix, case.suffix, case.path) == once, told(case, seed)


def test_a_place_that_was_looked_at_before_changes_no_answer() -> None:
    seed = random.randrange(1_000_000)
    for case in [case for pattern in LANGUAGES.values() for case in some_cases(pattern, seed)][::7]:
        place = place_of(case.prefix, case.suffix, case.path)
        place.prepare()
        for answer in (case.answer, case.answer[: len(case.answer) // 2]):
            assert fit_at(place, answer) == fit(answer, case.prefix, case.suffix, case.path), told(case, seed)


def test_only_the_end_a_restart_and_white_space_are_cut() -> None:
    """Whatever the answer: what is left is how it begins, but for white space and what stands before the cursor."""
    seed = random.randrange(1_000_000)
    rng = random.Random(seed)
    text = (ROOT / "codeassist" / "completion" / "session.py").read_text("utf-8")
    pieces = [
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        '"',
        "'",
        "`",
        "\n",
        "    ",
        "\t",
        "a",
        "é🚀",
        "//",
        "#",
        '"""',
        ";",
        "\r\n",
        "<|",
    ]
    for _ in range(400):
        answer = "".join(rng.choice(pieces) for _ in range(rng.randrange(1, 25)))
        at = rng.randrange(len(text))
        path = rng.choice(["a.py", "a.ts", "A.java", "a.c", "a.go", "a.rs", "a.cs", "a.txt"])
        fitted = fit(answer, text[:at], text[at:], path)
        left, whole = "".join(fitted.text.split()), "".join(answer.split())
        before = "".join(text[:at].split())
        begins = [whole[: len(whole) - n] for n in range(len(whole) + 1) if whole[len(whole) - n :].startswith(left)]
        assert any(before.endswith(begin) for begin in begins), (
            f"seed {seed}: {answer!r} at {at} as {path} became {fitted!r}"
        )
        assert 0 <= fitted.num_replaced <= len(text[at:].partition("\n")[0]), f"seed {seed}: {fitted!r}"


@pytest.mark.parametrize(
    ("prefix", "suffix", "path"),
    [
        ("def f(x):\n    return foo(x)\n" * 700_000 + "def g():\n    y = foo(", ")\n", "a.py"),
        ("class A {\n    void f() {\n        foo(", ");\n    }\n}\n" * 500_000, "A.java"),
        ("var a = [" + "{a:1}," * 90_000 + "foo(", ")," + "{a:1}," * 90_000 + "];", "a.js"),
        ("{" * 500_000 + "foo(", ")" + "}" * 500_000, "a.c"),
        ("(\n" * 100_000 + "foo(", ")" + ")\n" * 100_000, "a.ts"),
    ],
    ids=["20 MB before", "20 MB behind", "a line of 1 MB", "500,000 brackets", "100,000 lines of brackets"],
)
def test_of_a_huge_document_only_what_is_near_is_looked_at(prefix: str, suffix: str, path: str) -> None:
    language = language_of(path, prefix)
    assert len(near_before(prefix, 2_500, language)) < 10_000
    assert len(near_behind(suffix, 2_500, language)) < 10_000
    assert trim("x)", prefix, suffix, path) == "x"
    assert lines_wanted(prefix, suffix, path) == "line"
