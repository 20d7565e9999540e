"""Git repositories for tests, made without the developer's configuration; and traps: places of a repository, or of the
environment, where git finds programs to run."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ATTRIBUTES = "*.py diff=tracked filter=tracked\n"  # of drivers that only some traps define
_SIGNATURE = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n AAAA\n -----END PGP SIGNATURE-----\n"


def clean_environment() -> dict[str, str]:
    """The environment without git's variables, and without any configuration but a repository's own."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {
        **own, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "T", "GIT_AUTHOR_EMAIL": "t@example.org", "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
        "GIT_COMMITTER_NAME": "T", "GIT_COMMITTER_EMAIL": "t@example.org", "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
    }  # fmt: skip


def git(repo: Path, *arguments: str, stdin: bytes = b"") -> str:
    """What a git command prints that has to succeed."""
    command = ["git", "-C", str(repo), *arguments]
    done = subprocess.run(command, input=stdin, check=True, capture_output=True, env=clean_environment())
    return done.stdout.decode().strip()


def commit_files(repo: Path, files: Mapping[str, str]) -> str:
    """Commit what files hold, in a repository that is made where there is none; return the commit's id."""
    for name, text in files.items():
        (repo / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / name).write_text(text, encoding="utf-8")
    if not (repo / ".git").exists():
        git(repo, "init", "-q", "-b", "main")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "files")
    return git(repo, "rev-parse", "HEAD")


def sign_head(repo: Path) -> None:
    """Put a signature into the newest commit, as one that gpg would be asked about."""
    header, _, message = git(repo, "cat-file", "commit", "HEAD").partition("\n\n")
    commit = f"{header}\n{_SIGNATURE}\n{message}\n".encode()
    git(repo, "update-ref", "refs/heads/main", git(repo, "hash-object", "-t", "commit", "-w", "--stdin", stdin=commit))


def remove_object(repo: Path, name: str) -> str:
    """Delete a loose object, as a partial clone lacks it; return its id."""
    found = git(repo, "rev-parse", name)
    (repo / ".git" / "objects" / found[:2] / found[2:]).unlink()
    return found


@dataclass(frozen=True)
class Trap:
    """A place that makes git run a program: what to configure and set up, and a plain git command that falls for it.

    In values, {program}, {mark}, {repo} and {folder} (the program's) are filled in.
    """

    name: str
    plain: tuple[str, ...]
    config: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    set_up: Callable[[Path, Path], None] = lambda repo, program: None
    is_partial_clone: bool = False
    on_terminal: bool = False

    def lay(self, repo: Path, folder: Path) -> Laid:
        """Set the trap in `repo`; its program and its mark lie in `folder`."""
        folder.mkdir()
        program, mark = folder / "program", folder / "mark"
        program.write_text(f'#!/bin/sh\necho "$0 $*" >> {mark}\nexit 1\n')
        program.chmod(0o755)
        if self.is_partial_clone:
            remove_object(repo, "HEAD~1:main.py")
            lines = {"core.repositoryFormatVersion": "1", "extensions.partialClone": "origin"}
            for key, value in {**lines, "remote.origin.promisor": "true"}.items():
                git(repo, "config", key, value)
        self.set_up(repo, program)
        places = {"program": program, "mark": mark, "repo": repo, "folder": folder}
        for key, value in self.config.items():
            git(repo, "config", key.format(**places), value.format(**places))
        return Laid(self, repo, mark, {name: value.format(**places) for name, value in self.environment.items()})


@dataclass(frozen=True)
class Laid:
    """A trap that has been set. `mark` exists once its program, or git for it, has run."""

    trap: Trap
    repo: Path
    mark: Path
    environment: Mapping[str, str]

    def spring(self) -> bool:
        """Let plain git fall for it; say whether it did, and set it again."""
        terminal, end = pty.openpty()
        output = end if self.trap.on_terminal else subprocess.DEVNULL
        subprocess.run(
            ["git", *self.trap.plain], cwd=self.repo, env={**clean_environment(), "TERM": "xterm", **self.environment},
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.DEVNULL, check=False, timeout=60,
        )  # fmt: skip
        os.close(end)
        os.close(terminal)
        sprang = self.mark.exists()
        self.mark.unlink(missing_ok=True)
        return sprang


def _info_attributes(repo: Path, program: Path) -> None:
    (repo / ".git" / "info" / "attributes").write_text("*.py diff=inner filter=inner\n")


def _hooks(repo: Path, program: Path) -> None:
    (repo / ".git" / "hooks").mkdir(exist_ok=True)
    for name in ("post-checkout", "post-index-change", "reference-transaction", "pre-auto-gc"):
        for folder in (repo / ".git" / "hooks", program.parent):
            (folder / name).unlink(missing_ok=True)  # of another trap
            (folder / name).symlink_to(program)


def _include(repo: Path, program: Path) -> None:
    (repo / "included").write_text(f"[core]\nfsmonitor = {program}\n[diff]\nexternal = {program}\n")


def _worktree_config(repo: Path, program: Path) -> None:
    git(repo, "config", "extensions.worktreeConfig", "true")
    (repo / ".git" / "config.worktree").write_text(f"[core]\nfsmonitor = {program}\n")


def _alternates(repo: Path, program: Path) -> None:
    git(program.parent, "init", "-q", "other")
    (repo / ".git" / "objects" / "info" / "alternates").write_text(f"{program.parent}/other/.git/objects\n")


def _git_trap(repo: Path, program: Path) -> None:
    (program.parent / "git-trap").symlink_to(program)


_DIFF, _MISSING = ("diff", "HEAD~1", "HEAD"), ("cat-file", "-p", "HEAD~1:main.py")
_ALIASED = ("trap", "rev-parse", "rev-list", "diff-tree", "cat-file", "ls-tree")  # git takes only the first
_ALIASES = {f"alias.{name}": "!{program}" for name in _ALIASED}

TRAPS = (
    Trap("diff.external", _DIFF, {"diff.external": "{program}"}),
    Trap("diff driver", _DIFF, {"diff.tracked.command": "{program}"}),
    Trap("diff driver of info/attributes", _DIFF, {"diff.inner.command": "{program}"}, set_up=_info_attributes),
    Trap("textconv", _DIFF, {"diff.tracked.textconv": "{program}"}),
    Trap("textconv of info/attributes", _DIFF, {"diff.inner.textconv": "{program}"}, set_up=_info_attributes),
    Trap("filter smudge", ("archive", "HEAD"), {"filter.tracked.smudge": "{program}"}),
    Trap("filter clean", ("hash-object", "main.py"), {"filter.tracked.clean": "{program}"}),
    Trap("filter process", ("archive", "HEAD"), {"filter.tracked.process": "{program}"}),
    Trap("filter of info", ("archive", "HEAD"), {"filter.inner.smudge": "{program}"}, set_up=_info_attributes),
    Trap("core.fsmonitor", ("status",), {"core.fsmonitor": "{program}"}),
    Trap("hooks", ("checkout", "-q", "HEAD"), set_up=_hooks),
    Trap("core.hooksPath", ("checkout", "-q", "HEAD"), {"core.hooksPath": "{folder}"}, set_up=_hooks),
    Trap("core.pager", ("log",), {"core.pager": "{program}"}, on_terminal=True),
    Trap("pager.log", ("log",), {"pager.log": "{program}", "pager.rev-list": "{program}"}, on_terminal=True),
    Trap("log.showSignature", ("log", "-1"), {"log.showSignature": "true", "gpg.program": "{program}"}),
    Trap("include.path", ("status",), {"include.path": "{repo}/included"}, set_up=_include),
    Trap("includeIf", _DIFF, {"includeIf.gitdir:{repo}/.path": "{repo}/included"}, set_up=_include),
    Trap("config.worktree", ("status",), set_up=_worktree_config),
    Trap("alias", ("trap",), _ALIASES),
    Trap(
        "core.alternateRefsCommand", ("rev-list", "--alternate-refs", "HEAD"),
        {"core.alternateRefsCommand": "{program}"}, set_up=_alternates,
    ),
    Trap(
        "uploadpack", _MISSING,
        {"remote.origin.url": "{repo}", "remote.origin.uploadpack": "{program}", "protocol.file.allow": "always"},
        is_partial_clone=True,
    ),
    Trap(
        "ext::", _MISSING, {"remote.origin.url": "ext::{program}", "protocol.ext.allow": "always"},
        is_partial_clone=True,
    ),
    Trap(
        "core.sshCommand", _MISSING,
        {"remote.origin.url": "ssh://h/r", "core.sshCommand": "{program}", "protocol.ssh.allow": "always"},
        is_partial_clone=True,
    ),
    Trap(
        "core.gitProxy", _MISSING,
        {"remote.origin.url": "git://h/r", "core.gitProxy": "{program}", "protocol.git.allow": "always"},
        is_partial_clone=True,
    ),
    Trap("GIT_EXTERNAL_DIFF", _DIFF, environment={"GIT_EXTERNAL_DIFF": "{program}"}),
    Trap(
        "GIT_CONFIG_COUNT", ("status",),
        environment={"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.fsmonitor", "GIT_CONFIG_VALUE_0": "{program}"},
    ),
    Trap("GIT_CONFIG_PARAMETERS", ("status",), environment={"GIT_CONFIG_PARAMETERS": "'core.fsmonitor={program}'"}),
    Trap(
        "GIT_SSH_COMMAND", _MISSING, {"remote.origin.url": "ssh://h/r"},
        {"GIT_SSH_COMMAND": "{program}", "GIT_ALLOW_PROTOCOL": "ssh", "GIT_NO_LAZY_FETCH": "0"}, is_partial_clone=True,
    ),
    Trap("PAGER", ("log",), environment={"PAGER": "{program}"}, on_terminal=True),
    Trap("GIT_EXEC_PATH", ("trap",), environment={"GIT_EXEC_PATH": "{folder}"}, set_up=_git_trap),
    Trap("GIT_TRACE", ("status",), environment={"GIT_TRACE": "{mark}"}),
    Trap("GIT_TRACE2_EVENT", ("status",), environment={"GIT_TRACE2_EVENT": "{mark}"}),
)  # fmt: skip
