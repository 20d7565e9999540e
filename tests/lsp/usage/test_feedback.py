"""What is counted of suggestions: by one client, in the database, by several servers at once, and when it cannot be."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import stat
import string
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from codeassist.errors import CodeAssistError
from codeassist_lsp.documents.open_document import TextChange
from codeassist_lsp.handlers.feedback import KEPT_AFTER_S, Feedback
from codeassist_lsp.usage.feedback_figures import figures
from codeassist_lsp.usage.feedback_store import FeedbackWriter, read, write
from codeassist_lsp.usage.retained_share import kept_chars
from codeassist_lsp.usage.suggestion_outcome import SuggestionOutcome
from tests.end_to_end.conftest import SOURCES
from tests.lsp.imagined import Client, Model, Scope

A = "file:///one/src/a.txt"
SAID = "total = sum(points)"


@pytest.mark.parametrize(
    ("after", "kept"),
    [
        (f"import os\nx\n{SAID}\ny\n", 19),
        (f"{SAID}\n", 19),
        ("x\ntotal = sum(lines)\ny\n", 13),
        ("x\ntotal = 1\ny\n", 8),
        ("x\nreturn (a, b)\ny\n", 1),  # a bracket
        ("x\n\ny\n", 0),
        ("", 0),
        (f"x\n{SAID}  # what it costs\ny\nz", 19),
        (f"def f():\n    {SAID}\n    return total\n", 19),
    ],
)
def test_what_is_left_of_an_inserted_text(after: str, kept: int) -> None:
    before = f"x\n{SAID}\ny\n"
    assert kept_chars(before, 2, 2 + len(SAID), after) == kept


def test_what_is_left_is_never_more_than_there_was_and_nothing_is_lost_by_edits_elsewhere() -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    for _ in range(300):
        before = "".join(dice.choices(string.ascii_lowercase[:4] + " \n(", k=dice.randrange(60)))
        start, end = sorted(dice.randrange(len(before) + 1) for _ in range(2))
        head, tail = ("".join(dice.choices("ab \n", k=dice.randrange(9))) for _ in range(2))
        assert kept_chars(before, start, end, head + before) == kept_chars(before, start, end, before + tail)
        assert kept_chars(before, start, end, before + tail) == end - start
        after = "".join(dice.choices(string.ascii_lowercase[:4] + " \n(", k=dice.randrange(60)))
        assert 0 <= kept_chars(before, start, end, after) <= end - start


class Counted:
    """One client in this process, the outcomes that it wrote, and the looks that are due later."""

    def __init__(self, said: str = "points") -> None:
        async def no_pause(seconds: float) -> None:
            raise AssertionError("time stands still")

        self.client = Client(Model(lambda asked: said), {A: Scope(Path("/one"))}, lambda: 0.0, no_pause)
        self.written: dict[str, SuggestionOutcome] = {}
        self.due: list[Callable[[], None]] = []
        self.feedback = Feedback(self.write, self.later, lambda: 1234.5)

    def write(self, path: Path, outcome: SuggestionOutcome) -> None:
        assert path.name == "feedback.db"
        self.written[outcome.id] = outcome

    def later(self, after_s: float, look: Callable[[], None]) -> None:
        assert after_s == KEPT_AFTER_S == 30
        self.due.append(look)

    def put(self, text: str) -> None:
        if self.client.documents.get(A) is None:
            self.client.documents.open(A, "python", 1, text)
        else:
            self.client.documents.change(A, self.client.entry(A).now.document.version + 1, [TextChange(text, None)])

    @property
    def outcome(self) -> SuggestionOutcome:
        [outcome] = self.written.values()
        return outcome


def run(test: Any) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


def test_shown_accepted_and_still_there() -> None:
    async def test() -> None:
        one = Counted()
        one.put("x = \r\n")
        [shown] = await one.client.ask(A, 4)
        assert not one.written, "not before it is shown"
        one.feedback.shown(shown)
        expected = (1234.5, "automatic", "python", "model 1", 6, 1)
        outcome = one.outcome
        assert (
            outcome.at_s,
            outcome.kind,
            outcome.language,
            outcome.model,
            outcome.num_chars,
            outcome.num_lines,
        ) == expected
        assert (outcome.is_shown, outcome.is_accepted, outcome.accepted_chars) == (True, False, 0)
        assert outcome.stage_ms["total"] >= 0

        one.put("x = points\r\n")
        one.feedback.accepted(shown)
        one.feedback.accepted(shown)
        assert (one.outcome.is_accepted, one.outcome.accepted_chars, one.outcome.looked_chars) == (True, 6, 0)
        [look] = one.due
        one.put("import os\r\nx = points + 1\r\n")
        look()
        assert (one.outcome.looked_chars, one.outcome.kept_chars) == (6, 6)
        assert "points" not in repr(one.written), "no text"

    run(test())


def test_what_was_undone_is_not_kept_and_a_closed_document_is_not_looked_at() -> None:
    async def test() -> None:
        for undone, looked in ((True, 6), (False, 0)):
            one = Counted()
            one.put("x = ")
            [shown] = await one.client.ask(A, 4)
            one.feedback.accepted(shown)
            assert not one.outcome.is_shown, "the client did not say so"
            if undone:
                one.put("x = ")
            else:
                one.client.documents.close(A)
            one.due[0]()
            assert (one.outcome.looked_chars, one.outcome.kept_chars) == (looked, 0)

    run(test())


def test_parts_and_the_rest_that_is_offered_behind_them_are_one_suggestion() -> None:
    async def test() -> None:
        one = Counted("a😀bc(d)")
        one.put("x = ")
        [shown] = await one.client.ask(A, 4)
        one.feedback.shown(shown)
        one.feedback.accepted_part(shown, 3)  # UTF-16 units: two characters
        assert (one.outcome.accepted_chars, one.outcome.is_accepted) == (2, False)
        one.feedback.accepted_part(shown, 3)
        one.feedback.accepted_part(shown, 4)
        assert one.outcome.accepted_chars == 3 and len(one.due) == 2
        one.put("x = a😀b")
        [rest] = await one.client.ask(A, 7)
        assert rest.at_cursor.text == "c(d)" and rest.id != shown.id
        one.feedback.shown(rest)
        one.feedback.accepted(rest)
        one.put("x = a😀bc(d)")
        for look in one.due:
            look()
        outcome = one.outcome
        assert (outcome.num_chars, outcome.accepted_chars, outcome.looked_chars, outcome.kept_chars) == (7, 7, 7, 7)
        assert outcome.is_shown and outcome.is_accepted

    run(test())


def test_nothing_is_counted_where_it_is_switched_off() -> None:
    async def test() -> None:
        one = Counted()
        settings = one.client.places[A].settings
        one.client.places[A].settings = replace(settings, feedback=replace(settings.feedback, count=False))
        one.put("x = ")
        [shown] = await one.client.ask(A, 4)
        one.feedback.shown(shown)
        one.feedback.accepted_part(shown, 2)
        one.feedback.accepted(shown)
        assert not one.written and not one.due

    run(test())


def outcome(number: int = 1, **fields: Any) -> SuggestionOutcome:
    return replace(SuggestionOutcome(f"id-{number}", 1e9 + number, "automatic", "python", "tiny", 10, 1), **fields)


def test_the_database_gives_back_what_was_written_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "feedback.db"
    assert read(path) == []
    first = outcome(1, is_shown=True, stage_ms={"total": 12.5, "decode": 3.0})
    write(path, [first, outcome(2)])
    write(path, [replace(first, is_accepted=True, accepted_chars=10, looked_chars=10, kept_chars=4)])
    found = read(path)
    assert found == [replace(first, is_accepted=True, accepted_chars=10, looked_chars=10, kept_chars=4), outcome(2)]
    assert read(path, since_s=1e9 + 2) == [outcome(2)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    path.chmod(0o644)
    write(path, [outcome(3, at_s=1e9 + 400 * 86_400)])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.id for each in read(path)] == ["id-3"], "what is older than a year is forgotten"


WRITES = """
import sys
from pathlib import Path
from codeassist_lsp.usage.feedback_store import FeedbackWriter
from codeassist_lsp.usage.suggestion_outcome import SuggestionOutcome
writer = FeedbackWriter(lambda problem: sys.exit(problem))
sys.stdin.readline()
for n in range(200):
    writer.put(Path(sys.argv[1]), SuggestionOutcome(f"{sys.argv[2]}-{n}", 1e9, "automatic", "python", "tiny", n, 1))
writer.close(60)
sys.exit(writer.problem)
"""


@pytest.mark.slow
def test_two_servers_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "feedback.db"
    paths = ":".join(str(SOURCES / part) for part in (".", "indexer", "lsp"))
    writing = [
        subprocess.Popen(
            [sys.executable, "-c", WRITES, str(path), name], stdin=subprocess.PIPE, env={"PYTHONPATH": paths}
        )
        for name in ("one", "two")
    ]
    for process in writing:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    assert [process.wait(60) for process in writing] == [0, 0]
    assert sorted(each.id for each in read(path)) == sorted(
        f"{name}-{n}" for name in ("one", "two") for n in range(200)
    )


def test_a_broken_database_is_said_once_and_counting_goes_on_when_it_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "feedback.db"
    path.write_bytes(b"this is no database, and never was one" * 100)
    said: list[str] = []
    heard = threading.Event()
    writer = FeedbackWriter(lambda problem: (said.append(problem), heard.set()))
    writer.put(path, outcome(1))
    assert heard.wait(60)
    writer.put(path, outcome(2))
    with pytest.raises(CodeAssistError, match="remove it"):
        read(path)
    writer.close(60)
    assert len(said) == 1 and "feedback.db" in said[0] and writer.num_unwritten == 2
    path.unlink()
    write(path, [outcome(3)])
    assert len(read(path)) == 1


def test_what_a_locked_database_did_not_take_is_written_later(tmp_path: Path) -> None:
    path = tmp_path / "feedback.db"
    write(path, [outcome(1)])
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    heard = threading.Event()
    writer = FeedbackWriter(lambda problem: heard.set(), busy_s=0.01)
    writer.put(path, outcome(2))
    assert heard.wait(60) and "locked" in str(writer.problem)
    holder.execute("ROLLBACK")
    holder.close()
    writer.put(path, outcome(3))
    writer.close(60)
    assert [each.id for each in read(path)] == ["id-1", "id-2", "id-3"]
    assert writer.problem is None and writer.num_unwritten == 0


def test_a_database_of_before_next_edits_takes_them(tmp_path: Path) -> None:
    path = tmp_path / "feedback.db"
    write(path, [outcome(1, is_shown=True)])
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE suggestions DROP COLUMN is_jumped")
    connection.close()
    assert [each.is_jumped for each in read(path)] == [False]
    write(path, [outcome(2, is_jumped=True)])
    assert [each.is_jumped for each in read(path)] == [False, True]


def test_the_figures() -> None:
    nothing = figures([])
    assert (nothing["acceptance_rate"], nothing["kept_share"], nothing["latency_ms"]) == (None, None, {})
    outcomes = [
        outcome(1, is_shown=True, is_accepted=True, accepted_chars=10, looked_chars=10, kept_chars=5),
        outcome(2, is_shown=True, accepted_chars=4, looked_chars=4, kept_chars=2),
        outcome(3, is_shown=True, language="go"),
        outcome(4, is_accepted=True, accepted_chars=10, model="large"),
    ]
    outcomes = [replace(each, stage_ms={"total": 10.0 * n}) for n, each in enumerate(outcomes, 1)]
    found = figures(outcomes)
    assert (found["shown"], found["accepted"], found["accepted_in_part"], found["accepted_chars"]) == (3, 2, 1, 24)
    assert found["acceptance_rate"] == pytest.approx(1 / 3), "of those that are known to have been shown"
    assert found["kept_share"] == 0.5
    assert found["latency_ms"] == {"total": {"p50": 20.0, "p90": 40.0, "p95": 40.0, "p99": 40.0}}
    assert {name: each["shown"] for name, each in found["by_language"].items()} == {"go": 1, "python": 2}
    assert found["by_model"]["large"]["acceptance_rate"] is None
    assert found["by_model"]["tiny"]["latency_ms"]["total"]["p95"] == 30.0
    assert sum(each["shown"] for each in found["by_day"].values()) == 3
