"""Settings files of strangers: whatever they hold, reading ends at once, with few and short messages."""

from __future__ import annotations

import os
import random
import resource
import sys
import tomllib
from pathlib import Path

import pytest

from codeassist.errors import SettingsError
from codeassist.settings import salvage
from codeassist.settings.toml_file import MOST_BYTES, read_toml

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="FIFOs and links")
SEED = 20261130
BOMBS = {
    "a key of many parts": "a" + ".a" * 30_000 + " = 1\n",
    "a table of many parts": "[a" + ".a" * 30_000 + "]\n",
    "nested arrays": "a = " + "[" * 30_000 + "\n",
    "nested tables": "a = " + "{a=" * 20_000 + "\n",
    "a long number": "a = " + "9" * 5_000 + "\n",
    "a long float": "a = 1." + "9" * 5_000 + "\n",
    "an open string": 'a = "' + "\\" * 30_000 + "\n",
    "an open long string": 'a = """' + '"\n' * 20_000,
    "quotes": "'" * 60_000,
    "a date that is none": "a = 2026-99-99\n",
    "too large": "#" * (MOST_BYTES + 1),
    "no text": "\xff\xfe",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(tmp_path: Path, name: str) -> None:
    file = tmp_path / ".codeassist.toml"
    file.write_bytes(BOMBS[name].encode("latin-1"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(SettingsError) as raised:
        read_toml(file)
    assert len(str(raised.value)) < 500 and str(file) in str(raised.value)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "KiB"
    found = salvage(tmp_path, environment={"CODEASSIST_HOME": str(tmp_path / "home")})
    assert len(found.problems) == 1


def test_what_is_no_file(tmp_path: Path) -> None:
    fifo, device = tmp_path / "fifo.toml", tmp_path / "device.toml"
    os.mkfifo(fifo)
    device.symlink_to("/dev/zero")
    for file in (fifo, device, tmp_path):
        with pytest.raises(SettingsError, match="not a regular file"):
            read_toml(file)


@pytest.mark.parametrize("line", ["key{n} = 1", "editor.key{n} = 1", "[section{n}]", "models.m{n} = 1"])
def test_thousands_of_mistakes_are_few_messages(tmp_path: Path, line: str) -> None:
    text = "\n".join(line.format(n=n) for n in range(3_000))
    (tmp_path / ".codeassist.toml").write_text(text)
    found = salvage(tmp_path, environment={"CODEASSIST_HOME": str(tmp_path / "home")})
    assert 1 <= len(found.problems) <= 11
    assert sum(map(len, found.problems)) < 6_000


def test_long_names_and_values_are_shown_short(tmp_path: Path) -> None:
    (tmp_path / ".codeassist.toml").write_text(
        f'[completion]\n{"k" * 20_000} = 1\nmax_lines = "{"v" * 20_000}"\n[{"s" * 10_000}]\na = 1\n'
    )
    found = salvage(tmp_path, environment={"CODEASSIST_HOME": str(tmp_path / "home")})
    assert len(found.problems) == 3 and max(map(len, found.problems)) < 700


def test_ordinary_files_read_as_python_reads_them(tmp_path: Path) -> None:
    """The check beforehand refuses nothing that a person would write: strings and comments may hold anything."""
    rng = random.Random(SEED)
    values = ['"a.b.c.d.[[[{{{"', "'[[[[[[[[[[[[[[[[[[[[[[[[[['", '"""x\n[[[[\n"quoted" ..........................."""',
              "'''\n{{{{{{{{{{{{{{{{{{{{{{'''", "[1, 2, [3, [4]]]", "{ a = 1, b = { c = 2 } }", "1.5", "1_000", "true",
              "2026-11-30", '"\\"" # ....................']  # fmt: skip
    for _ in range(200):
        lines = [f"key{n} = {rng.choice(values)} # [[[[[[[[[[[[[[[[[[[[[[[[" for n in range(rng.randrange(20))]
        text = "\n".join(lines) + "\n[a.b.c]\nd.e = 1\n"
        file = tmp_path / "config.toml"
        file.write_text(text)
        assert read_toml(file) == tomllib.loads(text), f"seed {SEED}"
