"""The analyst on bad input and in trouble: it abstains, says so once, and goes on."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from codeassist.request import AllowedNames, CompletionRequest, NamePosition
from codeassist_indexer.analysis.process import GIVEN_UP_S, MAX_HANGS, AnalysisProcess
from codeassist_indexer.analysis.python.questions import module_folders
from codeassist_indexer.analysis.service import RepositoryAnalysisService
from codeassist_indexer.ingest.update import update_index
from codeassist_indexer.storage.store import Store
from tests.indexer.analysis.annotated import make_repository

FILES = {
    "models.py": "class Order:\n    total = 1\n\n    def pay(self) -> 'Order':\n        return self\n",
    "app.py": "",
    "shop/Order.java": "package shop;\n\nclass Order {\n    int total;\n    Order pay() { return this; }\n}\n",
}
HEAD = "from models import Order\n\norder = Order()\n"


@dataclass(frozen=True)
class Repository:
    root: Path
    store: Store


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    root = tmp_path_factory.mktemp("analyst") / "repository"
    return Repository(root, make_repository(root, FILES))


@pytest.fixture(scope="module")
def analyst(repository: Repository) -> Iterator[RepositoryAnalysisService]:
    made = RepositoryAnalysisService(repository.root, repository.store, deadline_s=60)
    yield made
    made.close()


def names(analyst: RepositoryAnalysisService, path: str, prefix: str, suffix: str = "\n") -> AllowedNames | None:
    analysis = analyst.analyse(CompletionRequest(path, prefix, suffix))
    assert analysis is not None
    place = analysis.place(prefix)
    return analysis.names(prefix, place) if place is not None else None


def test_an_answer_goes_on_behind_the_prefix(analyst: RepositoryAnalysisService) -> None:
    prefix = HEAD + "x = ord"
    analysis = analyst.analyse(CompletionRequest("app.py", prefix, ")\n"))
    assert analysis is not None
    text = prefix + "er."
    place = analysis.place(text)
    assert place == NamePosition("member", len(text))
    assert analysis.place(text + "pa") == place
    allowed = analysis.names(text + "pa", place)
    assert allowed is not None and {"pay", "total"} <= allowed.names and allowed.source == "jedi"
    further = text + "pay()."
    place = analysis.place(further)
    assert place is not None
    allowed = analysis.names(further, place)
    assert allowed is not None and "pay" in allowed.names


def test_the_half_written_text_of_a_file_is_not_what_others_import(analyst: RepositoryAnalysisService) -> None:
    torn = FILES["models.py"].replace("    def pay", "    text = order.")
    prefix, suffix = torn.split("order.")
    assert names(analyst, "models.py", prefix + "order.", suffix) is None
    for _ in range(2):  # and of the same file when it is asked about again
        allowed = names(analyst, "app.py", HEAD + "order.")
        assert allowed is not None and {"pay", "total"} <= allowed.names
        allowed = names(analyst, "models.py", FILES["models.py"] + "\nOrder().", "\n")
        assert allowed is not None and {"pay", "total"} <= allowed.names


@pytest.mark.parametrize(
    "path", ["bin/report", "notes.txt", "build.v2", "plots/a.ipynb", "Untitled-1", "a.rs", "A.java"]
)
def test_a_clients_word_decides_what_is_analysed(analyst: RepositoryAnalysisService, path: str) -> None:
    def members(prefix: str, language: str) -> frozenset[str]:
        analysis = analyst.analyse(CompletionRequest(path, prefix, "\n", language=language))
        assert analysis is not None
        place = analysis.place(prefix)
        assert place is not None
        allowed = analysis.names(prefix, place)
        assert allowed is not None
        return allowed.names

    assert {"pay", "total"} <= members(HEAD + "order.", "python")
    java = "package shop;\n\nclass App {\n  void f(Order order) {\n    order."
    assert {"pay", "total"} <= members(java, "java")
    assert analyst.analyse(CompletionRequest(path, HEAD, "", language="rust")) is None
    assert analyst.analyse(CompletionRequest("a.py", HEAD, "", language="vue")) is None


def test_a_language_that_is_not_analysed(analyst: RepositoryAnalysisService) -> None:
    assert analyst.analyse(CompletionRequest("a.rs", "x.", "")) is None
    assert analyst.analyse(CompletionRequest("README.md", "x.", "")) is None


def test_the_text_as_it_is_now_counts_and_not_the_disk(analyst: RepositoryAnalysisService) -> None:
    first = "class Mine:\n    one = 1\n\n\nMine()."
    second = "class Mine:\n    two = 1\n\n\nMine()."
    for text, wanted, gone in ((first, "one", "two"), (second, "two", "one"), (first, "one", "two")):
        allowed = names(analyst, "app.py", text)
        assert allowed is not None and wanted in allowed.names and gone not in allowed.names


def test_another_file_that_changes_counts(analyst: RepositoryAnalysisService, repository: Repository) -> None:
    prefix = "package shop;\nclass App { void f(Order order) { order."
    before = names(analyst, "shop/App.java", prefix, "\n}}\n")
    assert before is not None and "later" not in before.names
    changed = FILES["shop/Order.java"].replace("int total;", "int total; int later;")
    (repository.root / "shop/Order.java").write_text(changed)
    update_index(repository.store, repository.root)
    after = names(analyst, "shop/App.java", prefix, "\n}}\n")
    assert after is not None and "later" in after.names


@pytest.mark.parametrize(
    "text",
    [
        "def f(:\n    order.",
        "class\nimport\nfrom\norder.",
        "order = Order()\n" + "(" * 500 + "order.",
        "x = [\n" * 300 + "order.",
        "\udcff = 1\norder.",
        "\0order.",
        "order.\r\norder.",
        "if True:\norder.",
        "“order”.",
        "é = Order()\né.",
        "lambda: order.",
        "@order.",
        "order.pay(\n" * 50 + "order.",
    ],
)
@pytest.mark.parametrize("path", ["app.py", "App.java", "app.ts", "App.cs", "app.js", "app.tsx"])
def test_text_that_is_no_program(analyst: RepositoryAnalysisService, path: str, text: str) -> None:
    head = HEAD if path == "app.py" else ""
    analysis = analyst.analyse(CompletionRequest(path, head + text, "\n)\n"))
    assert analysis is not None
    place = analysis.place(head + text)
    if place is not None:
        analysis.names(head + text, place)


@pytest.mark.slow
def test_circular_imports(analyst: RepositoryAnalysisService, repository: Repository) -> None:
    root = repository.root
    (root / "one.py").write_text("from two import *\nfrom two import B\n\n\nclass A(B): ...\n")
    (root / "two.py").write_text("from one import *\nfrom one import A\n\n\nclass B(A): ...\n")
    names(analyst, "app.py", "from one import A\n\nA().")
    names(analyst, "app.py", "from one import ")
    ring = "package shop;\nclass Ring extends Ring2 {}\nclass Ring2 extends Ring { void f() { this."
    names(analyst, "shop/Ring.java", ring, "\n}}\n")


@pytest.mark.slow
def test_a_file_of_20_000_lines(analyst: RepositoryAnalysisService) -> None:
    method = "    def method{0}(self) -> int:\n        return {0}\n\n    value{0} = 'text'\n"
    text = HEAD + "class Big:\n" + "".join(method.format(number) for number in range(5_000))
    assert text.count("\n") > 20_000
    analysis = analyst.analyse(CompletionRequest("app.py", text, "\n"))
    assert analysis is not None
    answer = text + "\norder."
    place = analysis.place(answer)
    assert place is not None
    assert analysis.names(answer, place) is None  # jedi would need seconds
    java = "package shop;\nclass Big {\n" + "".join(f"    int m{n}() {{ return {n}; }}\n" for n in range(20_000))
    allowed = names(analyst, "shop/Big.java", java + "    void f(Order order) {\n        order.", "\n    }\n}\n")
    assert allowed is not None and "pay" in allowed.names


def worker_of(program: str) -> Callable[..., subprocess.Popen[str]]:
    """A stand-in for the process: another program with the same pipes."""
    real = subprocess.Popen

    def start(arguments: list[str], **options: object) -> subprocess.Popen[str]:
        return real([sys.executable, "-I", "-c", program], **options)  # type: ignore[call-overload, no-any-return]

    return start


HANGS = "import sys, time\nfor line in sys.stdin: pass\n"
DIES = "import sys\nsys.stdin.readline()\nsys.exit(1)\n"
FAILS = """import json, sys
sys.stdin.readline()
for line in sys.stdin:
    print(json.dumps({"id": json.loads(line)["id"], "error": "IndexError: pop from empty list"}), flush=True)
"""


@pytest.mark.parametrize(("program", "why"), [(HANGS, "hung"), (DIES, "hung"), (FAILS, "failed")])
def test_a_process_in_trouble(
    program: str, why: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("codeassist_indexer.analysis.process._START_S", 0.0)
    monkeypatch.setattr("codeassist_indexer.workers.child.subprocess.Popen", worker_of(program))
    now = [0.0]
    process = AnalysisProcess(dict, lambda: now[0])
    timeout_s = 0.2 if program is HANGS else 30.0
    with caplog.at_level(logging.WARNING):
        answers = [process.ask("a.py", {}, timeout_s)["unsure"] for _ in range(MAX_HANGS)]
    assert answers == [why] * MAX_HANGS
    assert len(caplog.records) == 1  # once, not at every keystroke
    if why == "hung":
        assert process.ask("a.py", {}, timeout_s) == {"unsure": "given up"}
        assert process.ask("b.py", {}, timeout_s) == {"unsure": "hung"}  # another file is tried
        now[0] += GIVEN_UP_S
        assert process.ask("a.py", {}, timeout_s) == {"unsure": "hung"}  # once more, some time later
        assert process.ask("a.py", {}, timeout_s) == {"unsure": "given up"}
    process.close()


@pytest.mark.slow
def test_a_process_that_was_killed_is_started_again(analyst: RepositoryAnalysisService) -> None:
    prefix = HEAD + "order."
    assert names(analyst, "app.py", prefix) is not None
    worker = analyst._process._worker
    assert worker is not None
    os.kill(worker.pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(worker.pid)], timeout=20)
    assert names(analyst, "app.py", HEAD + "\norder.") is not None


@pytest.mark.slow
def test_the_process_ends_with_its_parent(repository: Repository) -> None:
    """Also where it is at work: it must not go on for nobody."""
    program = (
        "import os, sys; from pathlib import Path; from codeassist_indexer.storage.store import Store\n"
        "from codeassist_indexer.analysis.service import RepositoryAnalysisService\n"
        "analyst = RepositoryAnalysisService(Path(sys.argv[1]), Store(Path(sys.argv[2])), 60)\n"
        "analyst._process.start()\n"
        "print(analyst._process._worker.pid, flush=True)\n"
        "os._exit(0)\n"
    )
    arguments = [sys.executable, "-c", program, str(repository.root), str(repository.store.path)]
    pid = int(subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=120).stdout)
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(pid).wait(timeout=60)


def test_a_question_that_nobody_waits_for_is_dropped(analyst: RepositoryAnalysisService) -> None:
    prefix = HEAD + "stale = 1\norder."
    older = analyst.analyse(CompletionRequest("app.py", prefix, "\n"))
    newer = analyst.analyse(CompletionRequest("app.py", prefix, "\n\n"))
    assert older is not None and newer is not None
    place = older.place(prefix)
    assert place is not None
    assert older.names(prefix, place) is None
    assert newer.names(prefix, place) is not None


def test_from_many_threads(analyst: RepositoryAnalysisService) -> None:
    found: list[AllowedNames | None] = []

    def ask(number: int) -> None:
        path = f"file{number}.py"
        found.append(names(analyst, path, HEAD + "order."))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6 and all(each is not None and "pay" in each.names for each in found)


def test_a_broken_index_costs_the_answer_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"no database at all" * 100)
    (tmp_path / "repository").mkdir()
    analyst = RepositoryAnalysisService(tmp_path / "repository", Store(broken), deadline_s=60)
    with caplog.at_level(logging.INFO):
        assert names(analyst, "App.java", "class A { void f() { this.") is None
        assert names(analyst, "App.java", "class A { void f() { int x; this.") is None
    assert len(caplog.records) == 1
    analyst.close()


@pytest.mark.slow
def test_nothing_of_a_repository_is_run_and_nothing_outside_is_read(tmp_path: Path) -> None:
    """Modules with effects, sys.path tricks, compiled modules, .pth files, links and relative imports that lead out."""
    root = tmp_path / "repository"
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret_module.py").write_text("class Secret:\n    password = 1\n")
    effect = f"open({str(tmp_path / 'ran')!r}, 'w').close()\n"
    store = make_repository(
        root,
        {
            "effects.py": effect + "class Thing:\n    member = 1\n",
            "conftest.py": effect,
            "sitecustomize.py": effect,
            "evil.pth": f"import effects\n{outside}\n",
            ".venv/lib/python3.11/site-packages/evil.pth": f"import effects\n{outside}\n",
            ".venv/lib/python3.11/site-packages/installed.py": "class Installed:\n    there = 1\n",
            ".venv/bin/python": f"#!/bin/sh\ntouch {tmp_path / 'ran'}\n",
        },
    )
    (root / ".venv/bin/python").chmod(0o755)
    (root / "native.cpython-311-x86_64-linux-gnu.so").write_bytes(b"\x7fELF")
    (root / "linked.py").symlink_to(outside / "secret_module.py")
    (root / "src").symlink_to(outside)
    (root / "venv").symlink_to(outside)
    (outside / "lib/python3.11/site-packages").mkdir(parents=True)
    (outside / "lib/python3.11/site-packages/elsewhere.py").write_text("class Elsewhere:\n    private = 1\n")
    analyst = RepositoryAnalysisService(root, store, deadline_s=60)
    thing = names(analyst, "app.py", "from effects import Thing\nThing().")
    assert thing is not None and "member" in thing.names
    installed = names(analyst, "app.py", "from installed import Installed\nInstalled().")
    assert installed is not None and "there" in installed.names
    tricks = f"import sys\nsys.path.insert(0, {str(outside)!r})\nfrom secret_module import Secret\nSecret()."
    assert names(analyst, "app.py", tricks) is None
    assert names(analyst, "app.py", "from linked import Secret\nSecret().") is None
    assert names(analyst, "app.py", "from ..outside.secret_module import Secret\nSecret().") is None
    assert names(analyst, "app.py", "import native\nnative.") is None
    assert names(analyst, "app.py", "from secret_module import Secret\nSecret().") is None
    assert names(analyst, "app.py", "from src.secret_module import Secret\nSecret().") is None
    assert names(analyst, "app.py", "from elsewhere import Elsewhere\nElsewhere().") is None
    assert not (tmp_path / "ran").exists()
    analyst.close()


def test_where_modules_are_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    root = tmp_path / "repository"
    files = {"src/pack/__init__.py": "", "src/pack/inner/__init__.py": "", "tools/other/__init__.py": ""}
    folders = module_folders(root, make_repository(root, files))
    own = [folder for folder in folders if folder.startswith(str(root))]
    assert own == [str(root), str(root / "src"), str(root / "tools")]
    assert not any(folder.endswith("site-packages") for folder in folders)  # ours are not the repository's


@pytest.mark.slow
def test_the_worker_speaks_json_only(repository: Repository) -> None:
    """What a broken or hostile text makes the parser print must not be taken for an answer."""
    setup = {"root": str(repository.root), "sys_path": [], "database": str(repository.store.path)}
    question = {"id": 7, "language": "java", "path": "A.java", "kind": "member", "before": "class A{", "suffix": ""}
    arguments = [sys.executable, "-m", "codeassist_indexer.analysis.worker"]
    text = json.dumps(setup) + "\n" + json.dumps(question) + "\n"
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(text)
    process.stdin.flush()
    answer = json.loads(process.stdout.readline())
    assert answer["id"] == 7 and "unsure" in answer
    process.stdin.close()
    assert process.wait(timeout=60) == 0
