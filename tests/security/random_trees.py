"""Random repositories with random ignore rules, and what git itself says of them."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.git_repositories import clean_environment, git

NUM_TREES = int(os.environ.get("CODEASSIST_TEST_TREES", "60"))
"""How many a run makes; `make test-security` makes 1,000."""

_NAMES = ("a", "b", "ab", "abc", "x1", "X1", "foo", "foobar", "src", "lib", "a b", "é", "-d", "#t", "!n", "[a]", "a\tb")
_FILES = (*(f"{name}.{end}" for name in _NAMES for end in ("py", "go")), "a.gen.py", "A.py", "b.py ")
_ATOMS = (
    "*", "**", "***", "?", "a", "b", "ab", "foo", "src", "lib", ".py", ".gen.py", "[ab]", "[!a]", "[^x]*", "[a-c]",
    "[z-a]", "[[:digit:]]", "[[:upper:]]*", "[[:alpha:][:digit:]]", "[]a]", "[a-]", "[[:nope:]]", "\\a", "\\*", "é",
    "x?", "a*", "*b", "1", "[é]", "[", "[a", "\\", "!", "#", " ", "\\ ",
)  # fmt: skip
_IDIOMS = (
    ["*", "!*/", "!*.py"], ["/*", "!/src/"], ["*", "!.gitignore", "!a.py"], ["foo/*", "!foo/a.py"], ["!b/", "!*.py"],
    ["*.py\t"], ["*.py\f", "a.go"], ["\\#t.py", "\\!n.py"], ["a.py   ", "b.py\\ "], ["src/**", "!src/**/"], ["/foo**"],
    ["**/lib", "!lib/a.py"], ["lib/**/a.py"], ["a/**/b"], ["!/lib/"], ["*", "!/**/", "!*.go"], ["/*/", "!/src"],
)  # fmt: skip


@dataclass
class RandomTree:
    """A repository on disk. `nested` are the folders of repositories inside it, which git keeps apart."""

    root: Path
    chooser: random.Random
    ignores_case: bool = False
    nested: list[str] = field(default_factory=list)
    tracked: list[str] = field(default_factory=list)

    def files(self) -> list[str]:
        """Every file of it that is no part of a repository's own, sorted."""
        found: list[str] = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if name != ".git"]
            found += [(Path(folder) / name).relative_to(self.root).as_posix() for name in names if name != ".git"]
        return sorted(found)

    def listed(self, *options: str) -> set[str]:
        """What git lists, in the repository and in those inside it that it does not ignore."""
        return self._listed("", options or ("-co", "--exclude-standard"))

    def ignored(self) -> set[str]:
        """What `git check-ignore` says of every file outside nested repositories."""
        paths = [path for path in self.files() if not any(path.startswith(f"{top}/") for top in self.nested)]
        question = "\0".join(f"./{path}" for path in paths)
        answer = run_git(self.root, ["check-ignore", "--stdin", "-z"], question)
        return {path.removeprefix("./") for path in answer.split("\0") if path}

    def add_rules(self) -> None:
        """Write another ignore file, or another in the place of one, somewhere."""
        folders = ["", "", *sorted({path.rpartition("/")[0] for path in self.files()})]
        folder = self.root / self.chooser.choice(folders)
        place = self.chooser.choice([folder / ".gitignore", folder / ".gitignore", self.root / ".git/info/exclude"])
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(random_rules(self.chooser))

    def track(self) -> None:
        """Add some files to the index, whatever rules say. Not where git takes `a` and `A` for one file."""
        if self.ignores_case:
            return
        paths = [path for path in self.files() if not any(path.startswith(f"{top}/") for top in self.nested)]
        chosen = self.chooser.sample(paths, min(len(paths), self.chooser.randint(1, 5)))
        self.tracked += chosen
        run_git(self.root, ["--literal-pathspecs", "add", "-f", "--", *chosen], "")

    def _listed(self, prefix: str, options: tuple[str, ...]) -> set[str]:
        found: set[str] = set()
        for name in filter(None, run_git(self.root / prefix, ["ls-files", "-z", *options], "").split("\0")):
            if name.endswith("/") or (self.root / prefix / name).is_dir():
                found |= self._listed(prefix + name.rstrip("/") + "/", options)
            else:
                found.add(prefix + name)
        return found


def run_git(folder: Path, arguments: list[str], question: str) -> str:
    """What git answers, asked in the folder with nothing of the user's but HOME."""
    environment = {**clean_environment(), "HOME": os.environ["HOME"]}
    del environment["GIT_CONFIG_GLOBAL"]
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=environment, input=os.fsencode(question), capture_output=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    return os.fsdecode(done.stdout)


def make_tree(root: Path, template: Path, seed: int) -> RandomTree:
    """Write the tree of a seed. `template`: an empty repository's `.git`."""
    chooser = random.Random(seed)
    tree = RandomTree(root, chooser)
    root.mkdir(parents=True)
    shutil.copytree(template, root / ".git")
    folders = [""]
    for _ in range(chooser.randint(1, 8)):
        folder = chooser.choice(folders) + chooser.choice(_NAMES) + "/"
        if not (root / folder).exists():
            (root / folder).mkdir()
            folders.append(folder)
    for _ in range(chooser.randint(3, 25)):
        path = root / (chooser.choice(folders) + chooser.choice(_FILES))
        path.write_text("x = 1\n")
    for _ in range(chooser.choice([0, 0, 0, 1, 2])):
        top = chooser.choice(folders).rstrip("/")
        if top and top not in tree.nested:
            tree.nested.append(top)
            shutil.copytree(template, root / top / ".git")
            if chooser.random() < 0.5:
                (root / top / ".git/info/exclude").write_bytes(random_rules(chooser))
    if chooser.random() < 0.1:
        tree.ignores_case = True
        git(root, "config", "core.ignoreCase", "true")
    for _ in range(chooser.randint(1, 4)):
        tree.add_rules()
    return tree


def random_rules(chooser: random.Random) -> bytes:
    """Lines of an ignore file, odd ones among them."""
    lines: list[str] = []
    for _ in range(chooser.randint(1, 5)):
        lines += chooser.choice(_IDIOMS) if chooser.random() < 0.35 else [_random_rule(chooser)]
    end = chooser.choice(["\n", "\n", "\n", "\r\n"])
    text = end.join(lines) + chooser.choice(["", end])
    return (b"\xef\xbb\xbf" if chooser.random() < 0.1 else b"") + text.encode()


def _random_rule(chooser: random.Random) -> str:
    parts = [
        "".join(chooser.choice(_ATOMS) for _ in range(chooser.randint(1, 3))) for _ in range(chooser.randint(1, 3))
    ]
    rule = "/".join(parts)
    return (
        chooser.choice(["", "", "", "!"])
        + chooser.choice(["", "", "/", "**/"])
        + rule
        + chooser.choice(["", "", "", "/", "/*", "/**", " ", "\t", "\f"])
    )
