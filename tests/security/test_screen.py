"""What commands print about a stranger's repository and from a model: nothing of it reaches a terminal as a command."""

from __future__ import annotations

import ast
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from codeassist.cli.app import run
from codeassist.cli.completion.completion_report import show_in_code
from codeassist.cli.sessions import completion_run as running
from codeassist.control_characters import escaped
from codeassist.models.registry import InstalledModel
from codeassist.request import Completion, CompletionRequest, Retriever, Snippet, Trace, UsedSnippet
from codeassist.settings import Settings
from codeassist.terminal.screen import Screen
from codeassist_eval.reports.compare import read_runs
from codeassist_eval.reports.report import write_report
from codeassist_eval.speed.plots import Figure
from tests.eval.reports.test_compare import finished_run

SOURCES = Path(__file__).parents[2]
ROOMS = ("codeassist", "indexer/codeassist_indexer", "lsp/codeassist_lsp", "eval/codeassist_eval")
# The clipboard, a title, a cursor's way up, 8-bit codes, a reading order, a hidden sign, markup that ends nothing.
HOSTILE = (
    "a\x1b]52;c;cm0gLXJmIH4=\x07\x1b]0;t\x1b\\\x1b[2A\x9b31m\u202eb\u2066\u200b\U000e0041[/x][bold]:smile:$\\frac{"
)
NAME = "a\x1b]52;c;cm0gLXJmIH4=\x07\x1b[2A\u202eb\u200b[x][bold]$"


def harmless(printed: str) -> bool:
    return escaped(printed) == printed


@pytest.mark.parametrize("is_terminal", [False, True])
@pytest.mark.parametrize(
    "build",
    [
        str,
        Text,
        lambda text: Syntax(text, "python"),
    ],
)
def test_whatever_a_screen_prints(
    build: Callable[[str], object], is_terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
    written = io.StringIO()
    Screen(file=written, width=400).print(build(HOSTILE))
    for sequence in ("\x1b]", "\x1b[2A", "\x07", "\x9b", "\u202e", "\u2066", "\u200b", "\U000e0041"):
        assert sequence not in written.getvalue()
    assert "[bold]" in written.getvalue().replace("\x1b", "") or is_terminal
    if not is_terminal:
        assert harmless(written.getvalue()) and "\\x1b]52" in written.getvalue() and "[/x][bold]" in written.getvalue()


def test_tables_stay_straight_around_it() -> None:
    written = io.StringIO()
    table = Table(HOSTILE, "second", title=HOSTILE)
    table.add_row(HOSTILE, "x")
    table.add_row("y", HOSTILE)
    Screen(file=written, width=600).print(table)
    assert harmless(written.getvalue())
    assert len({len(line) for line in written.getvalue().splitlines()[1:]}) == 1


def test_code_around_a_cursor() -> None:
    written = io.StringIO()
    show_in_code(f"# {HOSTILE}\n", HOSTILE, f"# {HOSTILE}\n", "python", Screen(file=written, width=400))
    assert harmless(written.getvalue()) and written.getvalue().count("\\x1b]52") == 3


def test_nothing_else_prints() -> None:
    """All commands print through `console` and `screen`: no other module has a way to the terminal."""
    allowed = {
        "codeassist/terminal/console.py", "codeassist/terminal/screen.py",
        "codeassist/terminal/error_boundary.py", "codeassist/cli/__init__.py",
    }  # fmt: skip
    found: list[str] = []
    for room in ROOMS:
        for path in (SOURCES / room).rglob("*.py"):
            name = path.relative_to(SOURCES).as_posix()
            if name not in allowed:
                found += [f"{name}:{line}" for line in _ways_to_the_terminal(path.read_text(encoding="utf-8"))]
    assert not found


def _ways_to_the_terminal(source: str) -> list[int]:
    lines: list[int] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module in ("rich", "rich.console", "rich.live", "rich.prompt"):
            lines += [node.lineno for alias in node.names if alias.name in ("Console", "print", "Live", "Prompt")]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            of = node.func.value
            if isinstance(of, ast.Name) and of.id == "click" and node.func.attr in ("echo", "secho", "echo_via_pager"):
                lines.append(node.lineno)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            lines.append(node.lineno)
    return lines


def test_the_search_for_ways_finds_them() -> None:
    for source in ("from rich.console import Console", "click.echo(x)", "print(x)", "def f():\n click.secho(x)"):
        assert _ways_to_the_terminal(source), source


class Hostile:
    """A session whose model, snippets and notices all try it."""

    def complete(self, request: CompletionRequest, retriever: Retriever) -> Completion:
        del request, retriever
        snippet = Snippet(f"{NAME}.py", f"# {HOSTILE}\n", 3, 4, "bm25", 1.5, f"shares [{HOSTILE}]")
        trace = Trace({NAME: 1.0}, num_prompt_tokens=4, num_new_tokens=3, notices=(HOSTILE,), late_sources=(NAME,))
        return Completion(HOSTILE, HOSTILE, "eos", NAME, [UsedSnippet(snippet, 12)], -0.5, trace)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of such a name with such files, and a model of such a name and licence."""
    root = tmp_path / NAME
    (root / ".git").mkdir(parents=True)
    (root / f"{NAME}.py").write_text(f"def a():  # {NAME}\n    return '{NAME}'\n")
    (root / f"big{NAME}.py").write_text("x = 1\n" * 200_000)
    home = tmp_path / f"home{NAME}"
    home.mkdir()
    weights = home / f"{NAME}.gguf"
    weights.write_bytes(b"GGUF")
    (home / "config.toml").write_text(
        f"[models.own]\ngguf = {json.dumps(str(weights))}\nlicence = {json.dumps(NAME)}\n[model]\nname = 'own'\n"
    )
    monkeypatch.setenv("CODEASSIST_HOME", str(home))
    monkeypatch.delenv("CODEASSIST_CONFIG", raising=False)
    monkeypatch.chdir(root)

    def start(settings: Settings, model: InstalledModel, progress: object) -> Hostile:
        del settings, model, progress
        return Hostile()

    monkeypatch.setattr(running, "start_session", start)
    return root


WORKING = [
    ["index"],
    ["index", "--status"],
    ["index", "--json"],
    ["complete", f"{NAME}.py:1:5", "--explain", "--no-server"],
    ["complete", f"{NAME}.py:1:5", "--json", "--no-server"],
    ["models", "list"],
    ["models", "path", "own"],
    ["models", "remove", "own"],
    ["status"],
    ["stats"],
]
FAILING = [
    ["complete", f"{NAME}.py:99:5"],
    ["complete", f"no{NAME}.py:1:1"],
    ["complete", f"{NAME}.py:1:5", "--model", NAME, "--no-server"],
    ["models", "path", NAME],
    ["models", "pull", NAME],
    ["models", "remove", NAME],
    ["doctor"],
    ["doctor", "--json"],
    ["doctor", NAME],
    ["stop"],
    ["tune", "--reset"],
    ["demo"],
    [NAME],
    ["index", f"--{NAME}"],
    ["index", "--set", f"{NAME}=1"],
    ["index", "--set", f"model.name={NAME}"],
    ["eval", "compare", NAME, NAME],
    ["eval", "score", NAME],
    ["eval", "make", NAME],
    ["bench", "fit", "--files", NAME],
]


@pytest.mark.parametrize("arguments", [*WORKING, *FAILING], ids=lambda words: escaped(" ".join(words)))
def test_each_command_in_a_hostile_repository(
    arguments: list[str], repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codeassist.terminal.console._is_terminal", lambda: True)
    code = run(arguments)
    printed = capsys.readouterr()
    assert code == 0 if arguments in WORKING else code != 70, printed.err
    assert printed.out + printed.err
    assert harmless(printed.out), printed.out
    assert harmless(printed.err), printed.err


def test_hostile_settings(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    named = json.dumps(NAME)
    (repository / ".codeassist.toml").write_text(f"[{named}]\nx = 1\n[completion]\n{named} = 2\n")
    assert run(["index"]) == 2
    assert "\\x1b]52" in (printed := capsys.readouterr().err) and harmless(printed)


def test_into_a_pipe_goes_the_text_itself(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["complete", f"{NAME}.py:1:5", "--no-server"]) == 0
    assert capsys.readouterr().out.startswith("a\x1b")


def test_reports_and_comparisons_of_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = [finished_run(tmp_path, f"{number}{NAME}", [HOSTILE, "area(2, 3))\n"][::step])
               for number, step in ((1, 1), (2, -1))]  # fmt: skip
    assert run(["eval", "compare", *map(str, folders)]) == 0
    printed = capsys.readouterr()
    assert "\\x1b]52" in printed.out and harmless(printed.out) and harmless(printed.err)
    write_report(tmp_path / "report.html", read_runs(folders))
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "\\x1b]52" in text and harmless(text)


def test_a_dollar_in_a_plots_name_is_no_formula() -> None:
    figure = Figure()
    figure.add_subplot().set_title(f"$\\frac{{ {NAME}$")
    figure.savefig(io.BytesIO(), format="png")
