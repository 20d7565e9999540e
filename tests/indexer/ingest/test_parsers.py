"""Files that a parser cannot take: each costs itself, and the files beside it are indexed."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from codeassist_indexer.ingest.file_messages import answer_line, question_line, read_answer, read_question
from codeassist_indexer.ingest.parser_main import parse_text
from codeassist_indexer.ingest.parsers import BREAKS, TOO_SLOW, Parsers
from codeassist_indexer.ingest.update import FileOutcome, update_file, update_index
from codeassist_indexer.languages.parsing.parse import parse_file
from codeassist_indexer.storage.store import Store

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits of processor time and signals are POSIX")
CASES = sorted((Path(__file__).parents[1] / "languages" / "cases").glob("*.case"))
FINE = "def fine():\n    return 1\n"
# What a parse of these does depends on the grammar's version: some end with nothing found, some with the process.
HARD = {
    "A.java": "class A { int a = a" + "<a" * 30_000 + "; }\n",
    "deep.py": "(" * 400_000,
    "deep.js": "[" * 400_000,
    "Types.cs": "class A { " + "A<" * 50_000 + " }\n",
    "tokens.py": "# " + "token " * 15_000 + "\n",
    "strings.ts": "`${" * 50_000,
    "calls.php": "<?php " + "$(" * 100_000,
    "begins.rb": "%w(" * 40_000,
    "heres.sh": "<<A\n" * 40_000,
}


def test_hard_files_cost_themselves(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    root.mkdir()
    for name, text in HARD.items():
        (root / name).write_text(text)
        (root / f"beside_{name}.py").write_text(FINE)
    store = Store(tmp_path / "index.db")
    report = update_index(store, root)
    assert report.num_files == 2 * len(HARD)
    found = {path for (path,) in store.query("SELECT path FROM files WHERE skip_reason IS NULL")}
    assert found >= {f"beside_{name}.py" for name in HARD}
    again = update_index(store, root)  # what was left out is not tried again
    assert (again.num_parsed, again.num_unchanged + again.num_same_content) == (0, 2 * len(HARD))
    assert update_file(store, root, "A.java", FINE) is not FileOutcome.LEFT_OUT  # until it changes


def test_each_language_is_parsed_in_a_confined_process() -> None:
    parsers = Parsers()
    for case in CASES:
        path = case.name.removesuffix(".case")
        text = case.read_text(encoding="utf-8").partition("=====\n")[0]
        found, expected = parsers.parse(path, text).parsed, parse_file(path, text)
        assert found == expected and found is not None and found.symbols
    parsers.close()


def test_a_worker_that_dies_is_replaced() -> None:
    parsers = Parsers()
    assert parsers.parse("a.py", FINE).parsed is not None
    [worker] = parsers._idle[False]
    os.kill(worker.pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(worker.pid)], timeout=20)
    assert parsers.parse("a.py", FINE).parsed is not None
    parsers.close()


@pytest.mark.parametrize(("number", "reason"), [(signal.SIGPROF, TOO_SLOW), (signal.SIGSEGV, BREAKS)])
def test_what_ended_a_worker_is_named(number: signal.Signals, reason: str) -> None:
    """The file at work is given up; the one that comes after it is not."""
    parsers = Parsers()
    assert parsers.parse("a.py", FINE).parsed is not None
    [worker] = parsers._idle[False]
    os.kill(worker.pid, signal.SIGSTOP)  # it has answered; what it is sent now, it does not see yet

    def files() -> Iterator[tuple[str, str]]:
        yield "slow.py", FINE
        os.kill(worker.pid, number)
        os.kill(worker.pid, signal.SIGCONT)
        yield "b.py", FINE

    slow, last = parsers.parse_all(files(), 1)
    assert (slow.parsed, slow.skip_reason) == (None, reason) and last.parsed is not None
    parsers.close()


def test_an_idle_worker_ends_with_its_parent_and_when_it_is_closed() -> None:
    parsers = Parsers()
    parsers.parse("a.py", FINE)
    [worker] = parsers._idle[False]
    process = psutil.Process(worker.pid)
    parsers.close()
    assert psutil.wait_procs([process], timeout=20)[1] == []


def test_messages_come_back_as_they_went() -> None:
    text = "import os as o\nclass A(Base):\n    '''Doc.'''\n    def f(self): ...\n\ud800 = '\x00\u2028'\n"
    assert read_question(question_line("a.py", text)) == ("a.py", text)
    found = parse_text("a.py", text)
    assert found.parsed is not None and read_answer(answer_line(found)) == found
    nothing = parse_text("a.unknown", "text")
    assert nothing.skip_reason is not None and read_answer(answer_line(nothing)) == nothing


@pytest.mark.parametrize(
    "line",
    ["", "[]", "null", "[null, 0, null]", '[["python", 1, [], [], [], []], 0, null]',
     '[["python", false, [["a"]], [], [], []], 0, null]', '[["python", false, [], [], [], ["t"]], 0, null]',
     '[["python", false, [], [[1, "", "", 1]], [], []], 0, null]', "[" * 100_000],
)  # fmt: skip
def test_a_parser_that_lies_is_not_believed(line: str) -> None:
    with pytest.raises((ValueError, RecursionError)):
        read_answer(line)
