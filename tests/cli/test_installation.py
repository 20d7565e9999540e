"""The program in an installation that is not a developer's: no sources beside it, packages missing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from codeassist.cli import docs
from codeassist.cli.app import app, run
from tests.cli.test_commands import commands
from tests.tiny_models import build_model, save_gguf

COLUMNS = 80


@pytest.mark.parametrize("arguments", [(), ("models",), ("eval",), ("bench",)])
def test_summaries_are_whole(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    assert run([*arguments, "--help"]) == 0
    listed = capsys.readouterr().out.partition("Commands:\n")[2].splitlines()
    assert listed and all(line.endswith(".") and not line.endswith("...") for line in listed), listed


def test_help_names_no_page_that_only_a_checkout_has() -> None:
    pages = docs.find_pages()
    for path, command in [("codeassist", app), *commands()]:
        with click.Context(command, info_name=path) as context:
            told = command.get_help(context)
        assert "docs/" not in told, path
        assert set(re.findall(r"`codeassist docs ([a-z-]+)`", " ".join(told.split()))) <= pages.keys(), path


def test_the_documentation_is_listed_and_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["docs"]) == 0
    assert re.search(r"^settings +Settings$", capsys.readouterr().out, re.MULTILINE)
    assert run(["docs", "settings.md"]) == 0
    assert capsys.readouterr().out.startswith("# Settings\n")
    assert run(["docs", "--json"]) == 0
    pages = json.loads(capsys.readouterr().out)["pages"]
    assert all(Path(page["path"]).is_file() for page in pages)
    assert run(["docs", "nothing"]) == 3
    assert "there are README, architecture, " in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [("stats",), ("index", "--status"), ("status",), ("doctor", "--help")])
def test_what_only_reads_does_without_numpy(arguments: tuple[str, ...], home: Path, repository: Path) -> None:
    program = (
        f"import sys; from codeassist.cli.app import run; run({arguments!r});"
        "heavy = {'torch', 'numpy', 'tokenizers', 'matplotlib'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_index_that_is_up_to_date_needs_no_numpy(home: Path, repository: Path) -> None:
    """Vectors of chunks need it, and are made of what changed only."""
    for file in repository.rglob("*.py"):
        os.utime(file, (1_000_000_000, 1_000_000_000))  # files changed a moment ago are read again
    assert run(["index", str(repository)]) == 0
    program = (
        "import sys; from codeassist.cli.app import run; code = run(['index']);"
        "heavy = {'torch', 'numpy', 'safetensors', 'sqlite_utils'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=repository)
    assert done.returncode == 0, done.stderr


def test_indexing_does_not_wait_for_what_asks_an_index(home: Path, repository: Path) -> None:
    program = (
        "import sys; from codeassist.cli.app import run; code = run(['index']);"
        "asks = {'torch', 'jedi', 'codeassist_indexer.analysis', 'codeassist_indexer.retrieval.retrieve'};"
        "heavy = asks & set(sys.modules); sys.exit(f'imported {heavy}' if heavy else code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_missing_torch_is_one_line(
    home: Path,
    repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    save_gguf(tmp_path / "w.gguf", "qwen2", build_model("qwen2"))
    (home / "config.toml").write_text(f"[models.own]\ngguf = {json.dumps(str(tmp_path / 'w.gguf'))}\n")
    monkeypatch.setitem(sys.modules, "torch", None)
    assert run(["complete", "a.py:1:1", "--no-server"]) == 4
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "PyTorch is not installed in" in err and "`codeassist docs install`" in err
    assert run(["doctor", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert [problem for problem in document["problems"] if "PyTorch" in problem] == document["problems"]
    assert document["model"]["state"] == "verified" and document["torch"] == {"version": "none"}


def test_a_missing_extra_is_told_before_anything_is_measured(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "codeassist.figures", raising=False)
    monkeypatch.delitem(sys.modules, "codeassist_lsp.usage.feedback_plot", raising=False)
    for arguments in (
        ["stats", "--plot", str(tmp_path / "stats.png")],
        ["bench", "engine", "--out", str(tmp_path / "figures")],
    ):
        assert run(arguments) == 1, arguments
        out, err = capsys.readouterr()
        assert out == "" and err.count("\n") == 1 and "codeassist's extra `plots`" in err, arguments
    assert not list(tmp_path.glob("*.png"))


def test_any_other_missing_package_says_that_the_installation_is_not_whole(
    home: Path,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    monkeypatch.delitem(sys.modules, "codeassist_indexer.storage.store", raising=False)
    assert run(["index", "--status"]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "platformdirs is not installed in" in err and "install codeassist again" in err


def test_doctor_keeps_the_other_settings_when_a_variable_is_wrong(
    home: Path,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (home / "config.toml").write_text("[completion]\nmax_lines = 3\n")
    monkeypatch.setenv("CODEASSIST_MODEL_THREADS", "many")
    monkeypatch.setenv("CODEASSIST_COLOUR", "red")
    assert run(["doctor", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert any("CODEASSIST_MODEL_THREADS" in problem for problem in document["problems"])
    assert any("unknown variable CODEASSIST_COLOUR has no effect" in problem for problem in document["problems"])
    assert document["settings"]["completion.max_lines"] == {"value": 3, "origin": str(home / "config.toml")}
    assert document["settings"]["model.threads"] == {"value": "auto", "origin": "default"}
