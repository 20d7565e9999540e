"""PIE's three kinds of edits, and typing, made from ordinary tasks: a text as it was, and the steps to the task's own.

The kinds are those of "Let the Code LLM Edit Itself When You Edit the Code": lines are inserted, lines are deleted,
several places are changed at once; ours also types the line before the cursor. Whatever happens on the way, the last
step leaves exactly the task's text and cursor, so that its truth is the task's.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from codeassist_eval.errors import EvaluationError
from codeassist_eval.tasks.task import Task
from codeassist_eval.typing.typing_trace import History, Keystroke, apply

EditKind = Literal["insert", "delete", "multi", "type"]
EDIT_KINDS: tuple[EditKind, ...] = get_args(EditKind)
_KINDS: dict[str, EditKind] = {kind: kind for kind in EDIT_KINDS}

# How far from the cursor lines are changed: what a prompt of 2,048 tokens shows of the file beside snippets.
_BEFORE_CHARS = 1800
_BEHIND_CHARS = 1000
_MARK = "#"

# Stages of a replayed task's record: from the last step to the first token chosen.
LIVE_STAGE = "first_token_live"
FULL_STAGE = "first_token_full"  # the same prompt on an empty cache


@dataclass(frozen=True, slots=True)
class State:
    """A text with a cursor in it, as a request sees them."""

    prefix: str
    suffix: str


@dataclass(frozen=True, slots=True)
class EditedTask:
    """What an editor showed at first, and after each step; the last step's state is the task's own."""

    before: State
    steps: tuple[State, ...]


def expand(tasks: Sequence[Task], seed: int) -> list[Task]:
    """Return each task once for every kind of edit that its file has room for, as `id#kind`.

    Raise `EvaluationError` where no file has room for any.
    """
    found = [
        replace(task, task_id=f"{task.task_id}{_MARK}{kind}", kind=kind)
        for task in tasks
        for kind in EDIT_KINDS
        if _edited(task, task.task_id, kind, seed) is not None
    ]
    if not found:
        raise EvaluationError(f"none of the {len(tasks)} tasks has a line besides its own to edit")
    return found


def base_id(task_id: str) -> str:
    """Return the id of the task that an edited one was made from."""
    return task_id.rpartition(_MARK)[0]


def edited_task(task: Task, seed: int) -> EditedTask:
    """Return how a task that `expand` made came to be: the same seed gives the same edit."""
    found = _edited(task, base_id(task.task_id), _KINDS[task.kind or ""], seed)
    assert found is not None, "expand leaves out tasks without room for the edit"
    return found


def _edited(task: Task, name: str, kind: EditKind, seed: int) -> EditedTask | None:
    chooser = random.Random(f"{seed} {name} {kind}")
    text = task.prefix + task.suffix
    history = History(text, _typed_before(task.prefix), _BEFORE_CHARS, _BEHIND_CHARS)
    match kind:
        case "insert":
            history.uninsert(chooser)
        case "delete":
            history.undelete(chooser)
        case "multi":
            history.uninsert(chooser)
            history.undelete(chooser)
            history.unrename(chooser)
        case "type":
            history.untype()
    changes = [keystroke for keystroke in reversed(history.keystrokes) if keystroke.edits]
    least = 2 if kind == "multi" else 1
    if len(changes) < least:
        return None
    before = _state(history.text, history.cursor)
    if kind != "type":  # all at once: what came in between was not asked about
        return EditedTask(before, (State(task.prefix, task.suffix),))
    return EditedTask(before, _states(history.text, changes))


def _typed_before(prefix: str) -> range:
    """The characters before the cursor that were typed last: its line's, or the last line's where that one is blank."""
    end = len(prefix)
    start = prefix.rfind("\n") + 1
    if not prefix[start:].strip():
        start = prefix.rfind("\n", 0, len(prefix[:start].rstrip())) + 1
    line = prefix[start:end]
    return range(start + len(line) - len(line.lstrip()), end)


def _states(text: str, keystrokes: Sequence[Keystroke]) -> tuple[State, ...]:
    states: list[State] = []
    for keystroke in keystrokes:
        text = apply(text, keystroke.edits)
        states.append(_state(text, keystroke.cursor))
    return tuple(states)


def _state(text: str, cursor: int) -> State:
    return State(text[:cursor], text[cursor:])
