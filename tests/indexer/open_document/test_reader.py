"""An open document read by a process: the answers are those of reading it here, and no text ends more than itself."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from codeassist_indexer.fitting.trim import Fitted, fit, lines_wanted, trim
from codeassist_indexer.languages.forms.parsed import Import
from codeassist_indexer.languages.parsing.parse import parse_imports
from codeassist_indexer.open_document.reader import MOST_IMPORT_CHARS, DocumentReader

posix = pytest.mark.skipif(sys.platform == "win32", reason="limits of processor time and signals are POSIX")
ROOT = Path(__file__).resolve().parents[3]
SCRIPTED = f"{__package__}.scripted_process"
PREFIX, SUFFIX, PATH = "import os\n\ndef f(a):\n    print(g(a", "))\n    return a\n", "a.py"


@pytest.fixture
def reader() -> Iterator[DocumentReader]:
    made = DocumentReader()
    yield made
    made.close()


@pytest.fixture
def scripted() -> Iterator[DocumentReader]:
    made = DocumentReader(SCRIPTED)
    yield made
    made.close()


def test_answers_are_those_of_this_process(reader: DocumentReader) -> None:
    seed = random.randrange(1_000_000)
    rng = random.Random(seed)
    files = [
        path for folder in ("codeassist", "editor-plugins/vscode/src") for path in (ROOT / folder).rglob("*.[pt][ys]")
    ]
    for path in rng.sample(sorted(files), 40):
        text = path.read_text("utf-8")[:3_000]  # parsing more may take its whole time on a busy machine
        at = rng.randrange(len(text))
        prefix, suffix = text[:at], text[at:]
        answer = suffix[: rng.randrange(100)] + rng.choice([")", "", "\n}", "]", "\ud800"])
        place = reader.place(prefix, suffix, path.name)
        told = f"seed {seed}, {path}, {at}"
        assert place.fit(answer) == fit(answer, prefix, suffix, path.name), told
        assert place.trim(answer) == trim(answer, prefix, suffix, path.name), told
        assert reader.extent(prefix, suffix, path.name) == lines_wanted(prefix, suffix, path.name), told
        assert reader.imports(path.name, text) == parse_imports(path.name, text), told


@pytest.mark.parametrize("head", ["#include <vector>\nnamespace a { class B; }\n", ""])
def test_of_a_long_text_what_decides_is_sent(reader: DocumentReader, head: str) -> None:
    prefix = head + "// a line of it\n" * 20_000 + "if (x) {"
    suffix = "\n// and more\n" * 20_000
    answer = "\n  y();\n}\n"
    assert reader.place(prefix, suffix, "a.h").fit(answer) == fit(answer, prefix, suffix, "a.h")
    assert reader.extent(prefix, suffix, "a.h") == lines_wanted(prefix, suffix, "a.h") == "block"
    assert reader.imports("a.py", "import os\n" + " " * MOST_IMPORT_CHARS) is None


def test_a_place_outlives_the_process(reader: DocumentReader) -> None:
    place = reader.place(PREFIX, SUFFIX, PATH)
    expected = fit(", 1))\n", PREFIX, SUFFIX, PATH)
    assert place.prepare() and place.fit(", 1))\n") == expected
    reader.close()
    assert place.fit(", 1))\n") == expected
    for _ in range(20):
        assert reader.place(PREFIX, SUFFIX, PATH).prepare()
    assert place.fit(", 1))\n") == expected


@posix
@pytest.mark.parametrize("text", ["loop", "crash", "fail", "babble", "lie"])
def test_a_text_that_ends_the_process_costs_itself(scripted: DocumentReader, text: str) -> None:
    assert scripted.imports("hostile.py", text) is None
    assert scripted.imports("b.py", "7") == (Import("os", "", "os", 7),)
    pid = process_of(scripted)
    assert scripted.imports("hostile.py", text) is None
    assert process_of(scripted) == pid  # it was not asked again


@posix
@pytest.mark.parametrize("text", ["loop", "crash", "fail", "babble", "lie"])
def test_where_a_place_cannot_be_read_answers_are_fitted_by_rules(scripted: DocumentReader, text: str) -> None:
    assert scripted.extent(text, "", "hostile.py") == "line"
    place = scripted.place(text, "))\n", "hostile.py")
    assert place.fit("(x)))") == fit("(x)))", text, "))\n", "")  # a file of no known language
    assert place.trim("(x)))") == trim("(x)))", text, "))\n", "") == "(x)"


@posix
def test_no_process_may_put_its_own_words_into_a_document(scripted: DocumentReader) -> None:
    place = scripted.place("a = ", "\n", "a.py")
    assert place.prepare()
    assert place.fit("b ") == Fitted("b")
    assert scripted.place("c = ", "\n", "c.py").fit("lie") == Fitted("lie")


@posix
def test_a_hostile_text_does_not_keep_others_waiting_for_long(scripted: DocumentReader) -> None:
    scripted.warm()
    found: list[object] = []
    threads = [threading.Thread(target=lambda n=n: found.append(scripted.imports(f"{n}.py", "loop"))) for n in range(3)]
    for each in threads:
        each.start()
    assert scripted.imports("fine.py", "1") == (Import("os", "", "os", 1),)
    for each in threads:
        each.join(20)
    assert found == [None] * 3


@posix
def test_a_process_that_was_ended_is_started_again(reader: DocumentReader) -> None:
    reader.warm()
    pid = process_of(reader)
    os.kill(pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(pid)], timeout=20)
    assert reader.imports("a.py", "import os\n") == (Import("os", "", "os", 1),)


def test_without_a_process_nothing_is_known() -> None:
    broken = DocumentReader("codeassist_indexer.open_document.no_such_module")
    assert broken.imports("a.py", "import os\n") is None
    assert broken.extent("if x:", "", "a.py") == "line"
    assert broken.place(PREFIX, SUFFIX, PATH).trim(", 1))") == ", 1"


def process_of(reader: DocumentReader) -> int:
    worker = reader._worker
    assert worker is not None
    return worker.pid
