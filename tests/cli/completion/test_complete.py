"""`codeassist complete`: cursors, texts that are none, and what comes out; the model behind it is a fake."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from codeassist.cli.app import run
from codeassist.cli.completion.completion_report import explain
from codeassist.cli.completion.position import Position, parse_position, split_at
from codeassist.cli.sessions import completion_run as running
from codeassist.errors import Cancelled, RequestError
from codeassist.models.registry import InstalledModel
from codeassist.request import Completion, CompletionRequest, NoRetriever, Retriever, Snippet, Trace, UsedSnippet
from codeassist.settings import Settings
from codeassist.terminal.screen import Screen

SNIPPET = Snippet("other.py", "def helper(): ...\n", 3, 4, "bm25", 1.5, "shares [helper] with the lines around")


@dataclass
class FakeSession:
    """Answers every request the same way and keeps what it was asked."""

    requests: list[CompletionRequest] = field(default_factory=list)
    retrievers: list[Retriever] = field(default_factory=list)
    settings: Settings | None = None
    fails_with: BaseException | None = None
    text: str = "né()"

    def complete(self, request: CompletionRequest, retriever: Retriever) -> Completion:
        self.requests.append(request)
        self.retrievers.append(retriever)
        if self.fails_with is not None:
            raise self.fails_with
        used: Sequence[UsedSnippet] = [UsedSnippet(SNIPPET, 12)]
        return Completion(
            self.text,
            f"{self.text}\n",
            "max_lines",
            "fake",
            used,
            -0.5,
            Trace({"decode": 1.234}, num_prompt_tokens=40, num_new_tokens=3, notices=("be warned",)),
        )


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSession:
    fake = FakeSession()

    def start(settings: Settings, model: InstalledModel, progress: object) -> FakeSession:
        fake.settings = settings
        return fake

    monkeypatch.setattr(running, "start_session", start)
    home = tmp_path / "home"
    home.mkdir()
    (home / "w.gguf").write_bytes(b"GGUF")
    (home / "config.toml").write_text(
        f"[models.fake]\ngguf = {json.dumps(str(home / 'w.gguf'))}\n[model]\nname = 'fake'\n"
    )
    monkeypatch.setenv("CODEASSIST_HOME", str(home))
    monkeypatch.delenv("CODEASSIST_CONFIG", raising=False)
    return fake


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "repo"
    (root / ".git").mkdir(parents=True)
    (root / "src").mkdir()
    (root / "src" / "a.py").write_text("import b\n\nb.\n")
    (root / "src" / "b.py").write_text("def helper():\n    return 1\n")
    monkeypatch.chdir(root)
    return root


def test_it_prints_the_text_on_stdout_and_notices_on_stderr(
    session: FakeSession, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["complete", "src/a.py:3:3"]) == 0
    out, err = capsys.readouterr()
    assert out == "né()\n"
    assert err == "codeassist: be warned\n"
    assert session.requests == [
        CompletionRequest(
            "src/a.py", "import b\n\nb.", "\n", root=str(repository), monitor_deadline_ms=2000.0, repository="repo"
        )
    ]
    assert not isinstance(session.retrievers[0], NoRetriever)


@pytest.mark.parametrize(
    ("line", "col", "said", "inserted", "replacement"),
    [
        ("price_list", 7, "tag_list = 3", "", ("tag_list = 3", "list")),
        ("price_list", 7, "tag", "", None),
        ("EggsSpam", 5, "WithSpam()", "", ("WithSpam()", "Spam")),
        ("if foo():", 8, "x):", "x", ("x):", "):")),
        ("b.", 3, "né()", "né()", None),
    ],
)
def test_what_would_take_the_place_of_what_stands_behind_the_cursor(
    session: FakeSession, repository: Path, capsys: pytest.CaptureFixture[str], line: str, col: int, said: str,
    inserted: str, replacement: tuple[str, str] | None,
) -> None:  # fmt: skip
    session.text = said
    (repository / "src" / "a.py").write_text(f"{line}\n")
    assert run(["complete", f"src/a.py:1:{col}"]) == 0
    out, err = capsys.readouterr()
    assert out == (f"{inserted}\n" if inserted else "")
    is_told = replacement is not None and not inserted
    told = f"{replacement[0]!r} would take the place of {replacement[1]!r}\n" if replacement else "take the place of"
    assert (told in err) == is_told
    assert ("the model's answer is empty" in err) == (not inserted and not is_told)
    assert run(["complete", f"src/a.py:1:{col}", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    expected = {"text": replacement[0], "num_replaced": len(replacement[1])} if replacement else None
    assert (document["text"], document["replacement"]) == (inserted, expected)


@pytest.mark.parametrize("way", ["from elsewhere", "in its folder", "below it", "a folder of it"])
def test_a_repository_goes_by_the_name_of_the_link_it_is_opened_by(
    session: FakeSession, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    link = tmp_path / "link"
    link.symlink_to(repository / "src" if way == "a folder of it" else repository, target_is_directory=True)
    folder = {"from elsewhere": tmp_path, "below it": link / "src"}.get(way, link)
    file = {"from elsewhere": "link/src/a.py", "in its folder": "src/../src/a.py"}.get(way, "a.py")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PWD", str(folder))
    assert run(["complete", f"{file}:3:3"]) == 0
    [request] = session.requests
    assert (request.repository, request.path) == ("workspace" if way == "a folder of it" else "link", "src/a.py")


def test_json_is_one_object(session: FakeSession, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["complete", "src/a.py:3:3", "--json", "--explain"]) == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert document["text"] == "né()"
    assert document["notices"] == ["be warned"]
    assert document["snippets"][0]["path"] == "other.py"
    assert document["snippets"][0]["num_tokens"] == 12
    assert document["stage_ms"] == {"decode": 1.23}
    assert err == ""


def test_explain_says_which_snippets_and_why(
    session: FakeSession, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["complete", "src/a.py:3:3", "--explain"]) == 0
    out, err = capsys.readouterr()
    assert out == "né()\n"
    assert "\n  other.py:3-3\n    12 tokens, " in err and "[helper]" in err
    assert "40 prompt tokens" in err


def test_no_path_is_broken_however_narrow_the_terminal() -> None:
    path = "/".join(["a folder of a long name"] * 6) + "/other.py"
    used = UsedSnippet(replace(SNIPPET, path=path, reason=f"imported in {path}"), 12)
    completion = Completion("x", "x", "eos", "fake", [used], -0.5, Trace({"decode": 1.2}))
    written = io.StringIO()
    explain(running.Outcome(completion, {}), Screen(file=written, width=60))
    assert f"\n  {path}:3-3\n" in written.getvalue() and f"imported in {path}\n" in written.getvalue()
    assert Screen(file=written).width == 200, "a row of a table is a line where a script may read it"


def test_options_become_settings(session: FakeSession, repository: Path) -> None:
    arguments = ["--max-lines", "unlimited", "--max-new-tokens", "9", "--context", "none", "--model", "fake"]
    assert run(["complete", "src/a.py:3:3", *arguments, "--set", "monitor.mode=off"]) == 0
    request = session.requests[0]
    assert (request.max_lines, request.max_new_tokens, request.monitor_deadline_ms) == (None, 9, None)
    assert isinstance(session.retrievers[0], NoRetriever)
    assert session.settings is not None
    assert session.settings.context.mode == "none"


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["--max-lines", "0"], 2, "--max-lines: completion.max_lines is 0, but must be"),
        (["--set", "completion.max_line=1"], 2, "did you mean completion.max_lines"),
        (["--set", "oops"], 2, "write --set section.key=value"),
        (["--context", "some"], 2, "is not one of"),
        (["--model", "fakes"], 4, "unknown model fakes; did you mean fake?"),
        (["--model", "smollm2-135m"], 4, "run `codeassist models pull smollm2-135m`"),
    ],
)
def test_wrong_options_are_one_line(
    session: FakeSession,
    repository: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    exit_code: int,
    message: str,
) -> None:
    assert run(["complete", "src/a.py:3:3", *arguments]) == exit_code
    assert_one_error(capsys, message)


def assert_one_error(capsys: pytest.CaptureFixture[str], message: str) -> None:
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("codeassist: error: ")
    assert err.count("\n") == 1
    assert message in err


def test_unsaved_text_comes_from_stdin(session: FakeSession, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("x = 'ä'\r\ny".encode())))
    assert run(["complete", "src/new.py:2:2", "--stdin"]) == 0
    assert session.requests == [
        CompletionRequest(
            "src/new.py", "x = 'ä'\r\ny", "", root=str(repository), monitor_deadline_ms=2000.0, repository="repo"
        )
    ]


def test_a_file_outside_any_repository_is_completed_without_context(
    session: FakeSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lone.py").write_text("x")
    assert run(["complete", f"{tmp_path / 'lone.py'}:1:2"]) == 0
    assert "no context from other files: the file is not inside a repository" in capsys.readouterr().err
    assert session.requests[0].path == "lone.py"
    assert isinstance(session.retrievers[0], NoRetriever)


def test_a_broken_index_costs_context_at_most(session: FakeSession, repository: Path, tmp_path: Path) -> None:
    assert run(["complete", "src/a.py:3:3"]) == 0
    for database in (tmp_path / "home" / "cache").rglob("index.db*"):
        database.write_bytes(b"garbage" * 1000)
    assert run(["complete", "src/a.py:3:3"]) == 0
    assert len(session.requests) == 2


def test_a_link_to_a_file_elsewhere_is_completed_under_its_own_name(
    session: FakeSession, repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere.py").write_text("y")
    (repository / "link.py").symlink_to(tmp_path / "elsewhere.py")
    assert run(["complete", "link.py:1:1"]) == 0
    assert session.requests[0].path == "link.py"


def test_a_link_in_a_circle_is_one_line(
    session: FakeSession, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "a.py").symlink_to("b.py")
    (repository / "b.py").symlink_to("a.py")
    assert run(["complete", "a.py:1:1"]) == 3
    assert_one_error(capsys, "a.py")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x7fELF\0\0", "a binary file, or UTF-16"),
        ("x".encode("utf-16"), "a binary file, or UTF-16"),
        (b"caf\xe9", "not UTF-8 (byte 3); save it as UTF-8"),
        (b"x" * 50_000_000, "50 MB is too large to complete in"),
    ],
)
def test_what_is_no_text_is_one_line(
    session: FakeSession, repository: Path, capsys: pytest.CaptureFixture[str], content: bytes, message: str
) -> None:
    (repository / "f.py").write_bytes(content)
    assert run(["complete", "f.py:1:1"]) == 3
    assert_one_error(capsys, message)


def test_stdin_is_held_to_the_same(
    session: FakeSession, repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for content, message in ((b"\xff", "not UTF-8"), (b"x" * 9_000_000, "too large"), (b"\0", "binary")):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        assert run(["complete", "f.py:1:1", "--stdin"]) == 3
        assert_one_error(capsys, message)


@pytest.mark.parametrize(
    ("position", "message"),
    [
        ("src/none.py:1:1", "no such file"),
        ("src:1:1", "is a folder; name a file in it"),
        ("src/a.py:9:1", "there is no line 9; the file ends at line 4"),
        ("src/a.py:3:9", "line 3 has no column 9; its end is column 3"),
        ("src/a.py:0:1", "count from 1"),
        ("src/a.py:3", "not a cursor; write FILE:LINE:COL"),
        ("src/a.py", "not a cursor; write FILE:LINE:COL"),
        ("src/a.py:3:-1", "not a cursor; write FILE:LINE:COL"),
        ("src/\0.py:1:1", "src/"),
    ],
)
def test_places_that_are_none_are_one_line(
    session: FakeSession, repository: Path, capsys: pytest.CaptureFixture[str], position: str, message: str
) -> None:
    assert run(["complete", position]) == 3
    assert_one_error(capsys, message)


@pytest.mark.parametrize(
    ("error", "exit_code", "message"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (Cancelled("stopped"), 130, "stopped"),
        (RuntimeError("a bug\nof two lines"), 70, "internal error, RuntimeError: a bug of two lines"),
    ],
)
def test_what_fails_on_the_way_ends_in_one_line(
    session: FakeSession,
    repository: Path,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    exit_code: int,
    message: str,
) -> None:
    session.fails_with = error
    assert run(["complete", "src/a.py:3:3"]) == exit_code
    assert_one_error(capsys, message)


def test_debug_prints_the_traceback(session: FakeSession, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session.fails_with = RuntimeError("a bug")
    assert run(["complete", "src/a.py:3:3", "--debug"]) == 70
    assert "Traceback" in capsys.readouterr().err


def test_no_model_at_all_says_how_to_get_one(
    session: FakeSession, repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "home" / "config.toml").unlink()
    assert run(["complete", "src/a.py:3:3"]) == 4
    assert_one_error(capsys, "no model is installed; run `codeassist models pull`")


# --- positions


@pytest.mark.parametrize(
    ("written", "position"),
    [
        ("a.py:1:2", Position("a.py", 1, 2)),
        (r"C:\src\a.py:10:20", Position(r"C:\src\a.py", 10, 20)),
        ("odd:name.py:1:2", Position("odd:name.py", 1, 2)),
    ],
)
def test_positions_are_split_from_the_right(written: str, position: Position) -> None:
    assert parse_position(written) == position


@pytest.mark.parametrize("written", ["", ":1:1", "1:1", "a:1:x", "a:١:1", "a:1:²", "a::1"])
def test_what_is_no_position_is_refused(written: str) -> None:
    with pytest.raises(RequestError):
        parse_position(written)


@pytest.mark.parametrize(
    ("text", "line", "column", "prefix"),
    [
        ("", 1, 1, ""),
        ("ab", 1, 3, "ab"),
        ("ab\ncd", 2, 1, "ab\n"),
        ("ab\n", 2, 1, "ab\n"),
        ("ab\r\ncd", 1, 3, "ab"),
        ("ab\r\ncd", 2, 2, "ab\r\nc"),
        ("ab\rcd", 2, 2, "ab\rc"),
        ("a😀b\n", 1, 3, "a😀"),
        ("漢字", 1, 2, "漢"),
        ("a\x0cb\n", 1, 4, "a\x0cb"),
    ],
)
def test_lines_and_columns_count_from_1_in_characters(text: str, line: int, column: int, prefix: str) -> None:
    assert split_at(text, Position("f", line, column)) == (prefix, text[len(prefix) :])


@pytest.mark.parametrize(("text", "line", "column"), [("", 1, 2), ("ab", 2, 1), ("ab\r\ncd", 1, 4), ("ab\n", 3, 1)])
def test_places_behind_the_text_are_refused(text: str, line: int, column: int) -> None:
    with pytest.raises(RequestError):
        split_at(text, Position("f", line, column))
