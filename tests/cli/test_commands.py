"""The program as a whole, and its commands `index`, `models` and `doctor`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
import pytest

from codeassist.cli.app import app, run
from codeassist.cli.completion.demo import SCENE
from codeassist.cli.completion.recorded_demo import recorded_demo
from codeassist.errors import CodeAssistError
from codeassist.models.hardware import Gpu, TorchBuild, detect
from codeassist.terminal.deferred_command import DeferredCommand
from tests.tiny_models import build_model, save_gguf

DOCS = Path(__file__).parents[2] / "docs" / "cli.md"


@pytest.mark.parametrize("arguments", [(), ("models",), ("eval",), ("bench",)])
def test_a_group_alone_prints_its_help(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 0
    told = capsys.readouterr()
    assert told.out.startswith("Usage: codeassist") and "Commands:" in told.out and told.err == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands_and_options(
    shell: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["completion", shell]) == 0
    assert "_CODEASSIST_COMPLETE" in capsys.readouterr().out
    monkeypatch.setenv("_CODEASSIST_COMPLETE", f"{shell}_complete")
    monkeypatch.setenv("COMP_WORDS", "codeassist mod")
    monkeypatch.setenv("COMP_CWORD", "mod" if shell == "fish" else "1")
    assert run([]) == 0
    assert "models" in capsys.readouterr().out.replace(",", "\n").split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("codeassist models pull qwen2.5-coder-1", ["plain,qwen2.5-coder-1.5b", "plain,qwen2.5-coder-14b"]),
        ("codeassist complete --model zeta-m", ["plain,zeta-mine"]),
        ("codeassist complete --model ./w", ["file,./w"]),
        ("codeassist complete src/a", ["file,src/a"]),
        ("codeassist docs edit", ["plain,editors"]),
    ],
)
def test_shells_complete_what_there_is(
    line: str, offered: list[str], home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "config.toml").write_text("[models.zeta-mine]\ngguf = '/w.gguf'\n[models.other]\ngguf = '/o.gguf'\n")
    monkeypatch.setenv("_CODEASSIST_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - 1))
    assert run([]) == 0
    out, err = capsys.readouterr()
    assert sorted(out.split()) == offered and err == ""


def test_python_runs_the_package() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "codeassist", "--version"], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.startswith("codeassist, version ")


def commands(group: click.Group = app, path: str = "codeassist") -> Iterator[tuple[str, click.Command]]:
    for name, listed in group.commands.items():
        command = listed.load() if isinstance(listed, DeferredCommand) else listed
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


@pytest.mark.parametrize(("path", "command"), list(commands()))
def test_every_command_is_documented_and_has_examples(path: str, command: click.Command) -> None:
    documented = DOCS.read_text(encoding="utf-8")
    assert f"\n## {path}\n" in documented
    section = documented.partition(f"\n## {path}\n")[2].partition("\n## ")[0]
    if path.startswith(("codeassist eval ", "codeassist bench ")):
        assert f"```\n{path} " in section  # the examples stand there
    else:
        assert "Examples:" in str(command.help)
    options = {option for parameter in command.params for option in parameter.opts}
    assert "--debug" in options
    # The one's stdout belongs to the protocol, the other prints a program.
    assert "--json" in options or path in {"codeassist serve", "codeassist completion"}
    for parameter in command.params:
        assert not isinstance(parameter, click.Option) or parameter.help, parameter.opts
        for option in parameter.opts:
            if isinstance(parameter, click.Option) and option not in ("--debug", "--set", "--json"):
                assert f"`{option}" in section, option


def test_every_exit_code_is_documented() -> None:
    documented = DOCS.read_text(encoding="utf-8")
    list(commands())  # imports every part that has errors of its own
    codes = {error.exit_code for error in CodeAssistError.__subclasses__()} | {0, 1, 70, 141}
    for code in codes:
        assert f"| {code} |" in documented


def test_help_does_not_wait_for_the_heavy_libraries() -> None:
    program = (
        "import sys; from codeassist.cli.app import run; run(['--help']);"
        "heavy = {'torch', 'transformers', 'huggingface_hub', 'rich', 'sqlite3', 'numpy', 'matplotlib',"
        " 'codeassist_eval', 'codeassist.settings'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Exit codes" in done.stdout
    assert "Measure completions on benchmarks" in done.stdout


def test_a_command_imported_on_use_is_the_command_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["eval", "run", "--help"]) == 0
    assert "Usage: codeassist eval run [OPTIONS]" in capsys.readouterr().out
    assert run(["bench", "engine", "--help"]) == 0
    assert "Usage: codeassist bench engine [OPTIONS]" in capsys.readouterr().out
    assert run(["eval", "make", "--repo", "/no/such/folder", "--out", "/no/such/out"]) == 6
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["indx"], "No such command 'indx'"),
        (["models", "lst"], "Did you mean 'list'? See `codeassist models --help`"),
        (["index", "--rebuilt"], "No such option"),
        (["complete"], "Missing argument 'FILE:LINE:COL'"),
        (["index", "--rebuild", "--status"], "exclude each other"),
        (["index", "--symbols", "--status"], "exclude each other"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], home: Path, arguments: list[str], message: str
) -> None:
    assert run(arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith("codeassist: error: ")
    assert message in err
    assert "--help" in err
    assert err.count("\n") == 1


def test_a_closed_pipe_is_no_error(home: Path) -> None:
    reader = subprocess.Popen(["true"], stdin=subprocess.PIPE)
    reader.wait()
    assert reader.stdin is not None
    done = subprocess.run(
        [sys.executable, "-c", "from codeassist.cli import main; main()", "models", "list"],
        stdout=reader.stdin,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    reader.stdin.close()
    assert (done.returncode, done.stderr) == (141, "")


# --- index


def test_index_reports_and_is_incremental(home: Path, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["index", "--status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["is_indexed"] is False
    assert run(["index", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["num_parsed"] == 2
    assert run(["index", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["num_parsed"] == 0
    assert run(["index", "--rebuild", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["num_parsed"] == 2
    assert run(["index", "--status", "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert (status["is_indexed"], status["num_files"]) == (True, 2)
    assert status["database"].startswith(str(home / "cache"))
    assert run(["index"]) == 0
    assert "2 files in" in capsys.readouterr().out
    assert run(["index", "--status"]) == 0
    assert "2 files, " in capsys.readouterr().out


def test_index_prints_symbols(home: Path, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "b.py").write_text("@x\nclass B:\n    def b(self):\n        return 2\n")
    assert run(["index", "--symbols"]) == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"path": "a.py", "name": "a", "kind": "function", "line": 1},
        {"path": "b.py", "name": "B", "kind": "class", "line": 2},
        {"path": "b.py", "name": "b", "kind": "method", "line": 3},
    ]


def test_what_settings_exclude_is_not_indexed(home: Path, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "config.toml").write_text("[index]\nexclude = ['a.py']\n")
    assert run(["index", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["num_files"] == 1
    assert run(["index", "--json", "--set", "index.exclude=b.py"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["num_files"], report["num_removed"]) == (0, 1)
    assert run(["index", "--set", "index.exclude=!a.py"]) == 2
    assert "would take back what another place excludes" in capsys.readouterr().err


def test_variables_of_tests_are_no_settings(home: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEASSIST_BENCH", "somewhere")
    monkeypatch.setenv("CODEASSIST_TEST_MODELS", "somewhere")
    assert run(["index"]) == 0


def test_index_of_an_empty_repository(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / ".codeassist.toml").touch()
    assert run(["index", str(tmp_path / "empty"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["num_files"] == 0


def test_index_outside_a_repository_says_what_to_do(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["index", str(tmp_path)]) == 3
    assert "create an empty .codeassist.toml" in capsys.readouterr().err
    assert run(["index", str(tmp_path / "none")]) == 3
    assert "no such folder" in capsys.readouterr().err


# --- models


def test_models_list_path_and_remove(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "w.gguf").write_bytes(b"GGUF")
    (home / "config.toml").write_text(
        f"[models.own]\ngguf = {json.dumps(str(tmp_path / 'w.gguf'))}\nlicence = '[MIT]'\n"
        f"[models.gone]\ngguf = {json.dumps(str(tmp_path / 'gone.gguf'))}\n"
    )
    assert run(["models", "list", "--json"]) == 0
    listed = {model["name"]: model for model in json.loads(capsys.readouterr().out)["models"]}
    assert listed["own"]["state"] == "installed"
    assert listed["gone"]["state"] == "missing"
    assert listed["smollm2-135m"]["state"] == "not installed"
    assert run(["models", "list"]) == 0
    assert "[MIT]" in capsys.readouterr().out
    assert run(["models", "path", "own"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'w.gguf'}\n"
    assert run(["models", "path", "smollm2-135m"]) == 4
    assert "codeassist models pull smollm2-135m" in capsys.readouterr().err
    assert run(["models", "remove", "own"]) == 0
    assert "is yours and stays" in capsys.readouterr().out
    assert (tmp_path / "w.gguf").exists()
    assert run(["models", "remove", "smollm2-135m", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["freed_bytes"] == 0
    assert run(["models", "pull", "gone"]) == 4
    assert "does not exist" in capsys.readouterr().err


def test_a_file_is_added_listed_and_used_by_its_name(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "zeta tuned.gguf"
    save_gguf(file, "qwen2", build_model("qwen2"))
    assert run(["models", "add", "zeta-own", str(file), "--template", "plain"]) == 0
    told = capsys.readouterr().out
    assert "in " + str(home / "config.toml") in told and '--model zeta-own or model.name = "zeta-own"' in told
    assert run(["models", "path", "zeta-own"]) == 0
    assert capsys.readouterr().out == f"{file}\n"
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(file.read_bytes().replace(b"general.architecture", b"general.architecturX"))
    assert run(["models", "add", "bad", str(bad)]) == 4
    assert "architecture is 'none'" in capsys.readouterr().err
    assert run(["models", "add", "worse", str(tmp_path / "gone.gguf")]) == 4
    assert run(["models", "add", "mellum-4b", str(file)]) == 2
    assert "codeassist knows a model of that name; choose another" in capsys.readouterr().err
    assert run(["models", "add", "other", "hub:owner/repo", "--template", "nonsense"]) != 0
    assert "--template nonsense: must be a prompt template" in capsys.readouterr().err
    assert run(["models", "add", "far", "hub:owner/repo:x.gguf", "--edit-form", "zeta2"]) == 0
    assert "`codeassist models pull far` fetches it" in capsys.readouterr().out
    with (home / "config.toml").open("a") as config:
        config.write(f"[models.bad]\ngguf = {json.dumps(str(bad))}\n")
    for _ in range(2):  # the second time from what the first found out
        assert run(["models", "list", "--json"]) == 0
        listed = {model["name"]: model for model in json.loads(capsys.readouterr().out)["models"]}
        assert {name: model["for"] for name, model in listed.items() if model["for"] == "edits"}.keys() == {
            *("zeta-2", "zeta-own", "far")
        }
        assert listed["zeta-own"]["size_bytes"] == file.stat().st_size and listed["far"]["size_bytes"] is None
        assert listed["zeta-own"]["runs_here"] is True and listed["zeta-own"]["why_not"] is None
        assert listed["bad"]["runs_here"] is False and "architecture is 'none'" in listed["bad"]["why_not"]
        assert listed["qwen2.5-coder-14b"]["for"] == "completion"
    assert run(["models", "list"]) == 0
    assert "bad does not run here: " in capsys.readouterr().out


def test_pull_without_a_hub_says_what_it_does_instead(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("codeassist.models.hub.is_hub_reachable", lambda: False)
    (tmp_path / "w.gguf").write_bytes(b"GGUF")
    (home / "config.toml").write_text(f"[models.own]\ngguf = {json.dumps(str(tmp_path / 'w.gguf'))}\n")
    assert run(["models", "pull", "--json"]) == 0
    out, err = capsys.readouterr()
    pulled = json.loads(out)
    assert (pulled["name"], pulled["stands_in"]) == ("own", True)
    assert "hub cannot be reached" in err
    assert err.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_during_a_download_exits_130_and_leaves_nothing(home: Path, tmp_path: Path) -> None:
    started = tmp_path / "started"
    pip = tmp_path / "modules" / "pip"
    pip.mkdir(parents=True)
    (pip / "__main__.py").write_text(
        f"import pathlib, signal\npathlib.Path({str(started)!r}).touch()\nsignal.pause()\n"
    )
    (pip / "__init__.py").touch()
    process = subprocess.Popen(
        [sys.executable, "-c", "from codeassist.cli import main; main()", "models", "pull", "smollm2-135m"],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "modules")},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 30
    while not started.exists() and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == "codeassist: error: interrupted\n"
    left = [path.name for path in (home / "data" / "models").rglob("*") if path.is_file()]
    assert left in ([], ["smollm2-135m.lock"])


# --- doctor


def test_doctor_finds_the_missing_model_and_names_every_setting(
    home: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "config.toml").write_text("[completion]\nmax_lines = 3\nseed = 3\n")
    assert run(["doctor", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert any("codeassist models pull" in problem for problem in document["problems"])
    assert any("no setting any more; remove it (completion.seed: " in problem for problem in document["problems"])
    assert document["settings"]["completion.max_lines"] == {"value": 3, "origin": str(home / "config.toml")}
    assert document["settings"]["model.threads"] == {"value": "auto", "origin": "default"}
    assert document["hardware"]["cores"] >= 1


@pytest.mark.parametrize(("cuda", "gpu", "is_told"), [("13.0", None, True), (None, None, False), ("13.0", "H", False)])
def test_doctor_notes_a_cuda_build_where_there_is_no_gpu(
    home: Path, repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    cuda: str | None, gpu: str | None, is_told: bool,
) -> None:  # fmt: skip
    hardware = replace(detect(), gpu=None if gpu is None else Gpu(gpu, 80_000_000_000))
    monkeypatch.setattr("codeassist.cli.health.diagnosis.detect", lambda *arguments, **options: hardware)
    monkeypatch.setattr("codeassist.cli.health.diagnosis.torch_build", lambda: TorchBuild("2.9", cuda, gpu is not None))
    run(["doctor", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert ("takes gigabytes less" in document["torch"].get("note", "")) == is_told
    assert not any("PyTorch" in problem for problem in document["problems"]), "it works all the same"


def test_doctor_is_content_with_what_works(
    home: Path, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("codeassist.cli.health.diagnosis.torch_problem", lambda gpu, build: None)
    save_gguf(tmp_path / "w.gguf", "qwen2", build_model("qwen2"))
    (home / "config.toml").write_text(f"[models.own]\ngguf = {json.dumps(str(tmp_path / 'w.gguf'))}\n")
    assert run(["index"]) == 0
    assert run(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "no problems" in out
    assert "verified" in out
    (tmp_path / "w.gguf").write_bytes(b"GGUF")  # hashed, and no model
    assert run(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "no problems" not in out and "not a whole GGUF file" in out and "not usable" in out


def test_doctor_looks_at_a_repository_that_it_is_not_started_in(
    home: Path, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert run(["doctor", str(repository / "."), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["index"]["repository"] == str(repository)
    assert run(["doctor", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["index"]["repository"] == "none around this folder"
    assert run(["doctor", str(tmp_path / "gone")]) == 3


def test_doctor_looks_at_the_rest_when_a_setting_is_wrong(
    home: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "config.toml").write_text("[completion]\nmax_line = 3\n")
    assert run(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "unknown setting completion.max_line; did you mean completion.max_lines" in out
    assert "hardware" in out


def test_doctor_reports_a_broken_index(home: Path, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["index"]) == 0
    for database in (home / "cache").rglob("index.db*"):
        database.write_bytes(b"garbage" * 1000)
    assert run(["doctor"]) == 1
    assert "codeassist index --rebuild" in capsys.readouterr().out
    assert run(["index", "--rebuild"]) == 0


# --- demo


def test_the_demos_place_still_needs_another_file() -> None:
    root = Path(__file__).parents[2]
    before, anchor, behind = (root / SCENE.file).read_text(encoding="utf-8").partition(SCENE.anchor)
    hidden, _, after = behind.partition("\n")
    assert anchor
    assert hidden.startswith(SCENE.name)
    assert SCENE.name not in before + after
    assert SCENE.name in (root / SCENE.defined_in).read_text(encoding="utf-8")


def test_what_was_recorded_for_the_demo_is_about_its_place() -> None:
    recorded = recorded_demo()
    assert recorded.file == SCENE.file and recorded.text.startswith(SCENE.name), "record it again: tools/record_demo.py"
    told = "\n".join(recorded.told())
    assert recorded.date in told and "not computed now" in told and recorded.model in told


def test_the_demo_elsewhere_says_where_it_runs(
    home: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["demo"]) == 3
    assert "in a checkout of codeassist's sources" in capsys.readouterr().err


def test_an_interrupt_while_importing_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import codeassist.cli
    import codeassist.cli.app

    def interrupted(arguments: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(codeassist.cli.app, "run", interrupted)
    for name in ("PYTHONSAFEPATH", "GOMP_SPINCOUNT"):  # what a process of ours sets for itself and its children
        monkeypatch.setenv(name, "")
    with pytest.raises(SystemExit) as ended:
        codeassist.cli.main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "codeassist: error: interrupted\n"
