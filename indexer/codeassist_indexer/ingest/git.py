"""The git program, asked about a repository that may be a stranger's. Nothing else in the product runs git.

A repository's `.git/config`, attributes and hooks name programs, and so do variables of the environment. What is asked
here runs none of them, writes nothing, fetches nothing, and ends: `Git.run` takes only commands that read.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import IO

import psutil

from codeassist.errors import CodeAssistError
from codeassist.processes import child_folder

# What configuration may not decide, whoever wrote it. The command line stands above every file, included ones too.
_SETTINGS = (
    "core.fsmonitor=false",
    f"core.hooksPath={os.devnull}",
    f"core.attributesFile={os.devnull}",  # names drivers; the repository's own cannot be left out, see _COMMANDS
    "core.pager=cat",
    "core.quotePath=false",
    "color.ui=false",
    "diff.external=",
    "diff.noprefix=false",
    "diff.mnemonicPrefix=false",
    "log.showSignature=false",  # starts gpg.program
    "submodule.recurse=false",
    "credential.helper=",
    "protocol.allow=never",  # protocol.NAME.allow stands above it: GIT_ALLOW_PROTOCOL is the fence
    "fetch.bundleURI=",
    "safe.bareRepository=explicit",  # a folder of somebody's checkout that looks like a repository is none
)

# The commands that may be asked, and what each always gets. None runs a hook, a filter or a fetch by itself.
# `ls-files --modified` and `cat-file --filters` or `--textconv` would: leave them out.
_COMMANDS: Mapping[str, tuple[str, ...]] = {
    "cat-file": (),
    "check-ignore": (),
    "diff-tree": ("--no-ext-diff", "--no-textconv", "--no-color", "--submodule=short"),
    "ls-files": (),
    "ls-tree": (),
    "rev-list": (),
    "rev-parse": (),
}

# All that git gets of the environment: no GIT_DIR, GIT_EXTERNAL_DIFF, GIT_TRACE, PAGER, LANGUAGE and the like. Where
# the user's own configuration lies stays: it says which folders are safe and what is ignored.
_KEPT = (
    "HOME", "XDG_CONFIG_HOME", "USER", "LOGNAME", "SUDO_UID", "TMPDIR", "GIT_CONFIG_NOSYSTEM",
    "USERPROFILE", "HOMEDRIVE", "HOMEPATH", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "SYSTEMROOT", "TEMP", "TMP",
)  # fmt: skip
_KEPT_IF_ABSOLUTE = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM")
_FOLDER_LISTS = ("PATH", "LD_LIBRARY_PATH")
_FIXED: Mapping[str, str] = {
    "LC_ALL": "C",
    "TERM": "dumb",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_ALLOW_PROTOCOL": "none",  # whatever protocol.NAME.allow says
    "GIT_NO_LAZY_FETCH": "1",  # known to git since 2.45 and the security releases of May 2024
    "GIT_TRACE2": "0",
    "GIT_TRACE2_EVENT": "0",
    "GIT_TRACE2_PERF": "0",
}

_STDERR_BYTES = 65_536
_COMPLAINT_CHARS = 500


class GitError(CodeAssistError):
    """Git is not there, has no answer, gives none in time, or says too much."""


@dataclass(frozen=True, slots=True)
class GitLimits:
    """What one call may take. One that takes more is ended, with all that it started."""

    time_s: float = 60.0
    output_bytes: int = 64 << 20


@dataclass(frozen=True, slots=True)
class Git:
    """Reads the repository that `root` lies in. Paths in its answers are relative to `root` where git allows it."""

    root: Path
    program: Path
    limits: GitLimits
    _environment: Mapping[str, str] = field(repr=False)

    @classmethod
    def open(cls, root: Path, limits: GitLimits = GitLimits()) -> Git:
        """Find git for the folder `root`; raise `GitError` where there is no git, or no checkout at or above it."""
        root = root.resolve()
        top = next((folder for folder in (root, *root.parents) if _holds_git(folder)), None)
        if top is None:
            raise GitError(
                f"{root}: not a git repository: neither it nor a folder above it holds .git; "
                "give a checkout (a bare repository is not read)"
            )
        # The checkout is where .git lies: not where core.worktree points, nor a repository further up if .git is none.
        return cls(root, _program_for(top), limits, {**_environment(top), "GIT_WORK_TREE": str(top)})

    @classmethod
    def open_bare(cls, root: Path, limits: GitLimits = GitLimits()) -> Git:
        """Find git for a repository without a checkout, whose own folder `root` the user named; raise as `open`.

        Only for what the user named as a repository: any folder of somebody's checkout can look like one.
        """
        root = root.resolve()
        if not is_bare(root):
            raise GitError(
                f"{root}: not a bare repository: it holds no HEAD, objects and refs; name one, or a checkout"
            )
        return cls(root, _program_for(root), limits, {**_environment(root), "GIT_DIR": str(root)})

    def run(self, command: str, *arguments: str, stdin: bytes = b"", statuses: Container[int] = (0,)) -> bytes:
        """Return what `git COMMAND ARGUMENTS` prints, asked in `root`; of `_COMMANDS` only.

        Raise `GitError` where git ends with another status than `statuses`, or passes a limit.
        """
        settings = [part for setting in _SETTINGS for part in ("-c", setting)]
        flags = ["--no-pager", "--no-replace-objects"]
        flags += [] if command == "check-ignore" else ["--literal-pathspecs"]  # which refuses it
        line = [str(self.program), "-C", str(self.root), *flags, *settings, command, *_COMMANDS[command], *arguments]
        status, output, said = self._communicate(command, line, stdin)
        if status not in statuses:
            said_last = _complaint(said, status)
            raise GitError(f"{self.root}: git {command}: {said_last}; if it is partial or damaged, give a whole clone")
        return output

    def _communicate(self, command: str, line: Sequence[str], stdin: bytes) -> tuple[int, bytes, bytes]:
        """Run the command line to its end or a limit; return its status, its output and the end of its complaints."""
        started = time.monotonic()
        output, said = bytearray(), bytearray()
        try:
            process = subprocess.Popen(
                line,
                stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=child_folder(line),
                env=dict(self._environment),
                start_new_session=True,  # a group that can be ended, without a terminal to ask on
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise GitError(f"{self.program} cannot be started: {error.strerror}; install git anew") from error
        reader = Thread(target=_read, args=(process.stdout, output, self.limits.output_bytes), daemon=True)
        listener = Thread(target=_read_end, args=(process.stderr, said), daemon=True)
        writer = Thread(target=_write, args=(process.stdin, stdin), daemon=True)
        try:
            for thread in (reader, listener, *([writer] if stdin else [])):
                thread.start()
            reader.join(self.limits.time_s)
            if reader.is_alive():
                raise subprocess.TimeoutExpired(line, self.limits.time_s)
            if len(output) > self.limits.output_bytes:
                raise GitError(
                    f"{self.root}: git {command} printed more than {self.limits.output_bytes:,} bytes and was stopped; "
                    "the repository is too large to be asked that"
                )
            status = process.wait(max(0.0, started + self.limits.time_s - time.monotonic()))
            listener.join(max(0.0, started + self.limits.time_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise GitError(
                f"{self.root}: git {command} did not end within {self.limits.time_s:g} s and was stopped; "
                "try a fresh clone of the repository"
            ) from None
        finally:
            _end(process)
        return status, bytes(output), bytes(said)


def is_bare(folder: Path) -> bool:
    """Whether a folder looks like a repository without a checkout."""
    return (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()


def _program_for(top: Path) -> Path:
    program = _program_in(_folders_outside(top, os.environ.get("PATH", "")), top)
    if program is None:
        raise GitError("git is not installed: no folder of PATH outside of the repository holds it; install git")
    return program


def _holds_git(folder: Path) -> bool:
    return os.path.lexists(folder / ".git")  # False, too, where one may not look


def _environment(top: Path) -> dict[str, str]:
    """Return what git gets of the environment, for the checkout or bare repository at `top`."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    for name in _KEPT_IF_ABSOLUTE:
        if Path(os.environ.get(name, "")).is_absolute():
            kept[name] = os.environ[name]
    for name in _FOLDER_LISTS:
        if name in os.environ:
            kept[name] = os.pathsep.join(map(str, _folders_outside(top, os.environ[name])))
    return {**kept, **_FIXED, "GIT_CEILING_DIRECTORIES": str(top.parent)}


def _folders_outside(top: Path, folders: str) -> list[Path]:
    """Return the folders of a PATH that are absolute and, links followed, not inside `top`."""
    named = [Path(folder.strip('"')) for folder in folders.split(os.pathsep)]
    return [folder for folder in named if folder.is_absolute() and not _lies_in(top, folder)]


def _program_in(folders: Sequence[Path], top: Path) -> Path | None:
    name = "git.exe" if sys.platform == "win32" else "git"  # Python's own search would look into the current folder
    for folder in folders:
        program = folder / name
        if program.is_file() and os.access(program, os.X_OK) and not _lies_in(top, program):
            return program
    return None


def _lies_in(top: Path, path: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(top)


def _read(pipe: IO[bytes], kept: bytearray, limit: int) -> None:
    """Read to the end, or until there is more than `limit`."""
    with pipe:
        while len(kept) <= limit and (block := os.read(pipe.fileno(), 1 << 16)):
            kept += block


def _read_end(pipe: IO[bytes], kept: bytearray) -> None:
    """Read to the end, and keep what came last."""
    with pipe:
        while block := os.read(pipe.fileno(), 1 << 16):
            kept += block
            del kept[:-_STDERR_BYTES]


def _write(pipe: IO[bytes], content: bytes) -> None:
    with suppress(OSError), pipe:  # git ended before it read everything: its status says why
        pipe.write(content)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a git that still runs, and what it started."""
    if process.returncode is not None:
        return
    if sys.platform == "win32":
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
        process.kill()
    else:
        with suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a group that has ended
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _complaint(said: bytes, status: int) -> str:
    """Return in one line what git said last, from its last "fatal:" or "error:" on."""
    lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
    starts = [index for index, line in enumerate(lines) if line.startswith(("fatal:", "error:"))]
    text = " ".join(lines[starts[-1] if starts else -1 :]) or f"ended with status {status}"
    return "".join(character if character.isprintable() else "?" for character in text)[:_COMPLAINT_CHARS]
