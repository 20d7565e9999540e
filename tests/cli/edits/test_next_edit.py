"""`codeassist next-edit`: what it takes as history, what it prints, and patches that the real git applies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import codeassist.cli.sessions.edit_run
from codeassist.cli.app import app
from codeassist.cli.sessions.edit_run import Proposed
from codeassist.edits.change import LineChange
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.proposal import Proposal
from codeassist.edits.site import Site
from tests.git_repositories import commit_files, git

FILES = {
    "lib/mail.py": "def send(to):\n    return to\n\n\nsend(1)",
    "app.py": "from lib.mail import send\r\n\r\nsend(2)\r\nsend(3)\r\n",
    "far.py": "x = 1\n",
}


def follow(request: EditRequest, settings: Any, progress: Any) -> Proposed:
    """In the place of models and rules: every call is handed one value more."""
    made: list[Proposal] = []
    for path, text in request.files.items():
        for number, line in enumerate(text.split("\n")):
            if line.startswith("send(") and "True" not in line:
                change = LineChange(path, number, (line,), (line.replace(")", ", True)"),))
                made.append(Proposal(change, Site(path, number, number + 1, 1.0, "use", "calls `send`"), "fake", 0.75))
    return Proposed(made, ("a notice",))


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CODEASSIST_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(codeassist.cli.sessions.edit_run, "propose", follow)
    root = tmp_path / "repo"
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode())
    commit_files(root, {})
    (root / "lib/mail.py").write_bytes(FILES["lib/mail.py"].replace("send(to)", "send(to, urgent)").encode())
    return root


def run(repo: Path, *arguments: str, stdin: str = "") -> Result:
    done = CliRunner().invoke(app, ["next-edit", "--repo", str(repo), *arguments], input=stdin)
    assert done.exit_code == 0, done.output
    return done


def test_json_is_one_object_with_lines_from_0(repo: Path) -> None:
    document = json.loads(run(repo, "--json").stdout)
    edits = document["edits"]
    assert (document["why_none"], document["uncertain"]) == (None, [])
    assert [(each["path"], each["start_line"], each["end_line"]) for each in edits] == [
        ("lib/mail.py", 4, 5), ("app.py", 2, 3), ("app.py", 3, 4),
    ]  # fmt: skip
    assert edits[1] == {
        "path": "app.py", "start_line": 2, "end_line": 3, "old": ["send(2)"], "new": ["send(2, True)"],
        "reason": "calls `send`", "confidence": 0.75, "source": "fake",
    }  # fmt: skip


def test_for_people_a_small_diff_with_its_reason(repo: Path) -> None:
    done = run(repo)
    assert "app.py:3  calls `send` (fake, 0.75)\n- send(2)\n+ send(2, True)\n" in done.stdout
    assert "codeassist: a notice" in done.stderr


def test_places_are_named_where_nothing_is_certain_enough(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sites = (Site("app.py", 3, 4, 0.9, "use", "calls `send`"), Site("app.py", 2, 3, 0.8, "use", "calls `send`, too"))
    unsure = Proposed((), (), "not sure enough: 0.31 of 0.44", sites)
    monkeypatch.setattr(codeassist.cli.sessions.edit_run, "propose", lambda *arguments: unsure)
    assert run(repo).stdout.splitlines() == [
        "no next edit: not sure enough: 0.31 of 0.44",
        "these places may have to change all the same:",
        "app.py:3  calls `send`, too",
        "app.py:4  calls `send`",
    ]
    assert json.loads(run(repo, "--json").stdout) == {
        "edits": [],
        "why_none": "not sure enough: 0.31 of 0.44",
        "uncertain": [
            {"path": "app.py", "line": 2, "reason": "calls `send`, too"},
            {"path": "app.py", "line": 3, "reason": "calls `send`"},
        ],
    }


def test_git_applies_the_patch_and_then_nothing_is_left(repo: Path, tmp_path: Path) -> None:
    patch = tmp_path / "next.diff"
    run(repo, "--patch-out", str(patch))
    git(repo, "apply", str(patch))
    assert (repo / "lib/mail.py").read_bytes().endswith(b"\nsend(1, True)"), "no line end came"
    assert (repo / "app.py").read_bytes() == b"from lib.mail import send\r\n\r\nsend(2, True)\r\nsend(3, True)\r\n"
    assert "no next edit" in run(repo).stdout
    assert run(repo, "--patch-out", "-").stdout == ""


def test_the_patch_on_stdout_and_a_patch_as_history(repo: Path, tmp_path: Path) -> None:
    made = run(repo, "--patch-out", "-").stdout
    diff = git(repo, "diff", "-U1") + "\n"
    (tmp_path / "made.diff").write_text(diff)
    git(repo, "commit", "-q", "-a", "-m", "more")
    assert "nothing was changed" in run(repo).stdout
    assert run(repo, "--stdin", "--patch-out", "-", stdin=diff).stdout == made
    assert run(repo, "--patch", str(tmp_path / "made.diff"), "--patch-out", "-").stdout == made
    assert run(repo, "--since", "HEAD~1", "--patch-out", "-").stdout == made


def test_files_that_commits_changed_together_are_looked_at(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[set[str]] = []
    monkeypatch.setattr(
        codeassist.cli.sessions.edit_run,
        "propose",
        lambda request, *more: looked_at.append(set(request.files)) or Proposed(()),
    )
    run(repo)
    changed = (repo / "lib/mail.py").read_text()
    git(repo, "checkout", "-q", "lib/mail.py")
    commit_files(repo, {"lib/mail.py": "# more\n" + FILES["lib/mail.py"], "far.py": "y = 1\n"})
    (repo / "lib/mail.py").write_text("# more\n" + changed)
    run(repo)
    assert looked_at == [{"lib/mail.py", "app.py"}, {"lib/mail.py", "app.py", "far.py"}]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--since", "HEAD", "--stdin"), "exclude each other"),
        (("--json", "--patch-out", "-"), "both write to stdout"),
        (("--since", "nowhere"), "no commit of"),
        (("--patch", "/no/such.diff"), "name a file with a patch"),
        (("--stdin",), "no unified diff"),
    ],
)
def test_wrong_usage_is_said(repo: Path, arguments: tuple[str, ...], problem: str) -> None:
    done = CliRunner().invoke(app, ["next-edit", "--repo", str(repo), *arguments], input="rubbish")
    assert done.exit_code != 0 and problem in f"{done.output} {done.exception}"
