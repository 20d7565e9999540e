"""Editing sessions: whatever happens on the way, the keystrokes lead to exactly the file."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from codeassist_eval.tasks.task import Task
from codeassist_eval.typing.typing_sessions import choose_sessions
from codeassist_eval.typing.typing_trace import Keystroke, Replacement, Trace, apply, make_trace, typed_line
from tests.tiny_models import CODE

SEED = 20261121


def cut(text: str, chooser: random.Random, name: str = "a") -> Task:
    """A task at a random place of a text."""
    start = chooser.randrange(len(text))
    stop = min(len(text), start + 1 + chooser.randrange(30))
    return Task(name, "repository", f"{name}.py", "python", text[:start], text[stop:], text[start:stop])


def replay(trace: Trace) -> str:
    text, cursor = trace.initial, trace.cursor
    for keystroke in trace.keystrokes:
        assert 0 <= cursor <= len(text)
        ends = [0, *(edit.end for edit in keystroke.edits)]
        assert all(edit.start >= end for edit, end in zip(keystroke.edits, ends, strict=False)), "edits rise"
        text, cursor = apply(text, keystroke.edits), keystroke.cursor
    return text


def test_every_session_ends_in_the_file() -> None:
    print(f"seed {SEED}")
    chooser = random.Random(SEED)
    kinds: Counter[str] = Counter()
    for seed in range(150):
        text = (
            CODE
            if seed % 2
            else "".join(chooser.choices([*CODE.splitlines(keepends=True), "\n", "x"], k=seed % 40 + 1))
        )
        task = cut(text, chooser)
        trace = make_trace(task, seed)
        assert replay(trace) == text
        assert make_trace(task, seed) == trace
        kinds.update(keystroke.kind for keystroke in trace.keystrokes)
    assert set(kinds) == {"type", "insert", "delete", "rename", "move"}


def test_typing_says_what_comes_next_on_the_line() -> None:
    task = Task("a", "r", "a.py", "python", "import x\n    a = ", ")\nb = 1\n", "f(1")
    trace = typed_line(task)
    assert trace.initial == "import x\n    )\nb = 1\n"
    assert trace.cursor == len("import x\n    ")
    assert "".join(edit.inserted for keystroke in trace.keystrokes for edit in keystroke.edits) == "a = f(1"
    assert [keystroke.rest for keystroke in trace.keystrokes] == [" = f(1", "= f(1", " f(1", "f(1", "(1", "1", None]
    assert replay(trace) == "import x\n    a = f(1)\nb = 1\n"


def test_what_is_typed_next_is_really_typed_next() -> None:
    task = cut(CODE, random.Random(1))
    trace = make_trace(task, 3)
    for now, after in zip(trace.keystrokes, trace.keystrokes[1:], strict=False):
        if now.rest is not None:
            assert after.kind == "type"
            assert now.rest == after.edits[0].inserted + (after.rest or "")


def test_a_rename_changes_every_place() -> None:
    task = Task("a", "r", "a.py", "python", "total = 1\nprint(total, ", "\n", "total)")
    renames = [k for seed in range(20) for k in make_trace(task, seed).keystrokes if k.kind == "rename"]
    assert renames
    assert all(len(rename.edits) in (2, 3) for rename in renames)


@pytest.mark.parametrize("prompt_tokens", [50, 5000])
def test_sessions_are_files_of_their_own_with_snippets_of_the_others(prompt_tokens: int) -> None:
    chooser = random.Random(SEED)
    tasks = [cut(CODE + f"# {name}\n", chooser, name) for name in "abcdef"]
    sessions = choose_sessions([*tasks, *tasks], 4, prompt_tokens, seed=1)
    assert sessions == choose_sessions(tasks, 4, prompt_tokens, seed=1)
    assert len({session.trace.path for session in sessions}) == 4
    for session in sessions:
        assert all(snippet.path != session.trace.path for snippet in session.snippets)
        assert sum(len(snippet.text) for snippet in session.snippets) <= prompt_tokens * 1.75
    assert prompt_tokens == 50 or all(session.snippets for session in sessions)


def test_apply() -> None:
    edits = (Replacement(0, 1, "xy"), Replacement(2, 2, "-"), Replacement(3, 4, ""))
    assert apply("abcd", edits) == "xyb-c"
    assert apply("abcd", Keystroke("move", (), 2).edits) == "abcd"
