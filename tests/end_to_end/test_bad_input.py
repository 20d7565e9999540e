"""Whatever a repository, an index, a model or a disk is like: one line, or less context; the next run works."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from codeassist_indexer.storage.store import Store
from tests.end_to_end.conftest import CURSOR, Program

# --- places and texts


@pytest.mark.parametrize(
    ("content", "cursor", "message"),
    [
        (b"x = 1\n", "9:1", "there is no line 9; the file ends at line 2"),
        (b"x = 1\n", "1:7", "line 1 has no column 7; its end is column 6"),
        (b"\x7fELF\0\0", "1:1", "a binary file, or UTF-16"),
        (b"# caf\xe9\n", "1:1", "not UTF-8 (byte 5)"),
        (b"x" * 50_000_000, "1:1", "50 MB is too large to complete in"),
    ],
)
def test_a_place_that_is_none_is_one_line(program: Program, content: bytes, cursor: str, message: str) -> None:
    program.write("odd.py", content)
    program.run("complete", f"odd.py:{cursor}").fails(3, message)


def test_a_file_outside_any_repository_is_completed_without_context(program: Program, tmp_path: Path) -> None:
    (tmp_path / "lone.py").write_text("x = ")
    done = program.run("complete", f"{tmp_path / 'lone.py'}:1:5")
    done.completes()
    assert "no context from other files: the file is not inside a repository" in done.err


def test_an_empty_repository_and_an_empty_text(program: Program) -> None:
    for file in (program.root / "src").iterdir():
        file.unlink()
    program.run("complete", "new.py:1:1", "--stdin").completes()
    done = program.run("index", "--json")
    assert json.loads(done.out)["num_files"] == 0


def test_a_repository_of_bad_files_is_completed_with_what_is_good(program: Program, tmp_path: Path) -> None:
    """Syntax errors at the cursor and elsewhere; binary, huge and latin-1 neighbours; links out and in circles."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "private.py").write_text("def polygon_area_private(points): ...\n")
    program.write("src/app.py", "from src import shapes\n\ndef show((points:\n    shapes.\n  ]]\n")
    program.write("src/broken.py", "class (((:\n\tdef polygon_area_broken(points)\n")
    program.write("src/binary.py", b"polygon_area points shapes\0\1")
    program.write("src/latin.py", b"# caf\xe9 polygon_area points shapes\n")
    program.write("src/huge.py", b"polygon_area = points\n" * 2_400_000)
    program.write(".gitignore", "!\n\\\n[\n")
    (program.root / "src" / "link.py").symlink_to(outside / "private.py")
    (program.root / "linked").symlink_to(outside, target_is_directory=True)
    (program.root / "circle").symlink_to(program.root, target_is_directory=True)
    (program.root / "one.py").symlink_to("two.py")
    (program.root / "two.py").symlink_to("one.py")
    done = program.run("complete", CURSOR, "--json")
    done.completes()
    paths = {snippet["path"] for snippet in json.loads(done.out)["snippets"]}
    assert "src/shapes.py" in paths
    assert paths <= {"src/shapes.py", "src/broken.py"}
    report = json.loads(program.run("index", "--json").out)
    assert (report["num_files"], report["num_unchanged"] + report["num_same_content"]) == (5, 5)
    reasons = report["skipped_by_reason"]
    assert reasons["link out of the repository"] == 2
    assert reasons["link that is broken or leads in a circle"] == 2
    assert program.run("complete", "one.py:1:1").code == 3


# --- index


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"garbage" * 5_000),
        lambda path: path.write_bytes(path.read_bytes()[:5_000]),
        lambda path: path.write_bytes(path.read_bytes()[:8_192] + b"\xff" * 60_000),
        lambda path: path.write_bytes(b""),
    ],
    ids=["garbage", "cut short", "pages overwritten", "empty"],
)
def test_a_corrupt_index_is_made_anew(program: Program, damage: Callable[[Path], object]) -> None:
    assert program.run("index").code == 0
    (database,) = program.home.rglob("index.db")
    damage(database)
    done = program.run("index", "--json")
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)["num_files"] == 2
    with closing(Store(database)) as store:
        store.check()
        assert (store.counts().num_files, store.counts().num_chunks > 0) == (2, True)


def test_a_corrupt_index_or_none_at_all_costs_context_at_most(program: Program) -> None:
    assert program.run("index").code == 0
    (database,) = program.home.rglob("index.db")
    database.write_bytes(b"garbage" * 5_000)
    done = program.run("complete", CURSOR, "--json")
    done.completes()
    document = json.loads(done.out)
    assert "the index was rebuilt" in document["notices"][0]
    assert document["snippets"]
    database.unlink()
    database.mkdir()
    program.run("index").fails(5, str(database))


def test_no_space_for_the_index_is_one_line_and_the_next_run_works(program: Program) -> None:
    assert program.run("index").code == 0
    program.write("src/more.py", "".join(f"def function_{n}(points): ...\n\n\n" for n in range(5_000)))
    program.run("index", most_file_bytes=600_000).fails(5, "index.db")
    report = json.loads(program.run("index", "--json").out)
    assert (report["num_files"], report["num_parsed"], report["notices"]) == (3, 1, [])


# --- model


def test_a_truncated_model_and_a_full_disk_are_one_line_each_and_the_next_run_works(program: Program) -> None:
    whole = program.model.read_bytes()
    program.model.write_bytes(whole[: len(whole) // 2])
    program.run("complete", CURSOR).fails(4, str(program.model))
    program.model.write_bytes(whole)
    done = program.run("complete", CURSOR, "--context", "none", most_file_bytes=100_000)
    done.fails(4, "File too large; make it writable, free space, or set CODEASSIST_HOME to another folder")
    assert program.leftovers() == []
    program.run("complete", CURSOR).completes()
    (converted,) = program.home.rglob("weights.safetensors")
    converted.write_bytes(converted.read_bytes()[:-1_000])
    program.run("complete", CURSOR).completes()


def test_a_tampered_model_is_not_run(program: Program) -> None:
    whole = program.model.read_bytes()
    program.configure(program.model, f"sha256 = '{hashlib.sha256(whole).hexdigest()}'")
    program.model.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    program.run("complete", CURSOR).fails(4, "SHA-256 is")
    assert not list(program.home.rglob("weights.safetensors"))
