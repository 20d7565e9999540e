"""Definitions of the annotated cases against what others find: universal-ctags, the grammars' own tag queries."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "indexer" / "languages" / "cases"
# What is no definition of ours on purpose: local names, what no other file can name, half a function, what a macro is
# taken for, namespaces, the types that an `impl` is for; operators and specialisations have longer names here.
LEFT_OUT = {
    "ctags": {
        "java": {"order"}, "javascript": {"named"}, "kotlin": {"hidden", "alsoHidden", "run"}, "php": {"run"},
        "python": {"price", "broken"}, "rust": {"files", "Order", "Status", "Vec", "T", "B", "Bar", "Box", "Send"},
        "cpp": {"shop", "operator", "DISALLOW_COPY", "GUARDED_BY", "DECLARE_THING"},
        "csharp": {"extension"},  # a keyword of C# 14, which ctags takes for a method
    },
    "tags.scm": {
        "java": {"anonymous"}, "javascript": {"named"}, "php": {"run"}, "python": {"price"}, "rust": {"files"},
        "scala": {"ec", "note"}, "swift": {"deinit", "index"},
        "cpp": {"helper", "GUARDED_BY", "EXCLUSIVE_LOCK_FUNCTION", "Fast"},
    },
}  # fmt: skip
QUERIED = {
    "php",
    "ruby",
    "lua",
    "scala",
    "swift",
    "python",
    "go",
    "rust",
    "java",
    "c",
    "cpp",
    "javascript",
    "typescript",
}


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("sources")
    for case in CASES.glob("*.case"):
        source = case.read_text(encoding="utf-8").partition("=====\n")[0]
        (folder / case.name.removesuffix(".case")).write_text(source, encoding="utf-8")
    command = [sys.executable, ROOT / "tools" / "compare_symbols.py", folder, "--examples", "1000"]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=True, cwd=ROOT).stdout


@pytest.mark.parametrize("oracle", LEFT_OUT)
def test_what_others_find_is_found(output: str, oracle: str) -> None:
    rows = re.findall(rf"^\| (\w+) \| .*\| {re.escape(oracle)} \| (\d+) \|", output, re.MULTILINE)
    if oracle == "ctags" and shutil.which("ctags") is None:
        pytest.skip("universal-ctags is not on PATH")
    expected = QUERIED if oracle == "tags.scm" else {"php", "ruby", "kotlin", "lua", "bash", "sql"}
    assert expected <= {language for language, num in rows if int(num)}, output
    missed: defaultdict[str, set[str]] = defaultdict(set)
    for language, name in re.findall(rf"^(\w+), {re.escape(oracle)} only: \S+ \S+ (\S+)", output, re.MULTILINE):
        missed[language].add(name)
    assert missed == LEFT_OUT[oracle]
