"""Which files count: ignore rules at every level, links, sizes, kinds of content."""

import os
import subprocess
from pathlib import Path

import pytest

from codeassist.errors import SettingsError
from codeassist_indexer.ingest.git_answers import GitPatience
from codeassist_indexer.ingest.ignore import IgnoreRules
from codeassist_indexer.ingest.walk import (
    FileLimits,
    FoundFile,
    NotSource,
    SkippedFile,
    decode_source,
    repository_root,
    walk,
)


def is_python(path: str) -> bool:
    return path.endswith(".py")


def make(root: Path, *paths: str, text: str = "x = 1\n") -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def listed(root: Path, limits: FileLimits | None = None) -> tuple[list[str], dict[str, str]]:
    entries = list(walk(root, IgnoreRules(root), is_python, limits or FileLimits()))
    found = [entry.path for entry in entries if isinstance(entry, FoundFile)]
    return found, {entry.path: entry.reason for entry in entries if isinstance(entry, SkippedFile)}


@pytest.mark.parametrize("marker", [".git", ".codeassist.toml", ".hg"])
def test_root_is_the_nearest_marked_folder(tmp_path: Path, marker: str) -> None:
    (tmp_path / ".git").mkdir()
    inner = tmp_path / "service"
    make(inner, f"{marker}/x" if marker != ".codeassist.toml" else marker, "src/a.py")
    assert repository_root(inner / "src" / "a.py") == inner
    assert repository_root(tmp_path / "elsewhere") == tmp_path


def test_file_outside_any_repository_has_no_root(tmp_path: Path) -> None:
    assert repository_root(tmp_path / "a.py") is None


def test_empty_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert listed(tmp_path) == ([], {})


IGNORE_FILES = {
    ".gitignore": "*.tmp.py\n/build/\nlogs/*\n!logs/keep.py\n# comment\n\ndeep/**/gen.py\n\\#odd.py\n",
    "pkg/.gitignore": "local.py\n!kept.tmp.py\n/only_here.py\n",
    "pkg/sub/.gitignore": "*\n!.gitignore\n!back.py\n",
    ".git/info/exclude": "mine.py\n",
}
IGNORE_PATHS = [
    "a.py", "b.tmp.py", "build/x.py", "src/build/x.py", "logs/a.py", "logs/keep.py", "logs/more/keep.py",
    "deep/gen.py", "deep/a/b/gen.py", "deep/a/b/ok.py", "#odd.py", "pkg/local.py", "pkg/kept.tmp.py",
    "pkg/other.tmp.py", "pkg/only_here.py", "pkg/x/only_here.py", "pkg/x/local.py", "pkg/sub/gone.py",
    "pkg/sub/back.py", "pkg/sub/in/back.py", "mine.py", "pkg/mine.py",
]  # fmt: skip


def test_ignore_rules_are_git_s_own(tmp_path: Path) -> None:
    """Git itself is the oracle."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    make(tmp_path, *IGNORE_PATHS)
    for path, text in IGNORE_FILES.items():
        make(tmp_path, path, text=text)
    command = ["git", "-c", "core.excludesFile=", "ls-files", "--others", "--exclude-standard", "-z"]
    output = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    expected = {path for path in output.split("\0") if path.endswith(".py")}
    assert set(listed(tmp_path)[0]) == expected
    assert {"a.py", "logs/keep.py", "pkg/kept.tmp.py", "pkg/sub/back.py"} <= expected


def test_one_path_is_judged_as_the_walk_judges_it(tmp_path: Path) -> None:
    make(tmp_path, *IGNORE_PATHS)
    for path, text in IGNORE_FILES.items():
        make(tmp_path, path, text=text)
    found = set(listed(tmp_path)[0])
    assert {path for path in IGNORE_PATHS if not IgnoreRules(tmp_path).ignores_file(path)} == found


def test_what_settings_exclude_no_ignore_file_takes_back(tmp_path: Path) -> None:
    make(tmp_path, "a.py", "private/b.py", "deep/private/c.py", "d.gen.py")
    make(tmp_path, ".codeassistignore", text="!private/\n!*.gen.py\n")
    rules = IgnoreRules(tmp_path, ("/private/", "*.gen.py"))
    found = [entry.path for entry in walk(tmp_path, rules, is_python, FileLimits()) if isinstance(entry, FoundFile)]
    assert found == ["a.py", "deep/private/c.py"]
    assert rules.ignores_file("private/b.py") and rules.ignores_folder("private")


@pytest.mark.parametrize("pattern", ["!a.py", "!", "\\"])
def test_a_wrong_pattern_in_settings_is_one_line(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(SettingsError, match=r"index\.exclude: .*remove it"):
        IgnoreRules(tmp_path, (pattern,))


def test_a_wrong_line_in_an_ignore_file_means_nothing_as_in_git(tmp_path: Path) -> None:
    make(tmp_path, "a.py", "b.py")
    make(tmp_path, ".gitignore", text="!\n\\\n/\na.py\n")
    assert listed(tmp_path) == (["b.py"], {})


def test_worktree_reads_the_exclude_file_of_its_repository(tmp_path: Path) -> None:
    make(tmp_path / "main", ".git/info/exclude", text="private.py\n")
    make(tmp_path / "main", ".git/worktrees/w/commondir", text="../..\n")
    make(tmp_path / "w", "private.py", "public.py")
    (tmp_path / "w" / ".git").write_text(f"gitdir: {tmp_path}/main/.git/worktrees/w\n")
    assert listed(tmp_path / "w")[0] == ["public.py"]


def test_codeassistignore_adds_to_and_overrules_gitignore(tmp_path: Path) -> None:
    make(tmp_path, "a.py", "gen/b.py", "data.py", "third_party/lib.py", "vendor/lib.py")
    (tmp_path / ".gitignore").write_text("data.py\n")
    (tmp_path / ".codeassistignore").write_text("gen/\n!data.py\n!third_party/\n")
    assert listed(tmp_path)[0] == ["a.py", "data.py", "third_party/lib.py"]


def test_vendored_folders_and_virtual_environments_do_not_count(tmp_path: Path) -> None:
    make(
        tmp_path,
        "a.py",
        "node_modules/m/x.py",
        "env/lib/y.py",
        "env/pyvenv.cfg",
        ".git/hooks/z.py",
        "p/__pycache__/q.py",
    )
    assert listed(tmp_path)[0] == ["a.py"]


@pytest.mark.parametrize("asks_git", [False, True])
def test_vendored_folders_that_are_not_ignored_are_listed_as_what_they_are(tmp_path: Path, asks_git: bool) -> None:
    make(tmp_path, "a.py", "vendor/lib/x.py", "src/third_party/y.py", "node_modules/z.py", "env/x.py", "env/pyvenv.cfg")
    make(tmp_path, "lib/_vendor/v.py", "__pycache__/q.py")
    (tmp_path / ".gitignore").write_text("node_modules/\n!_vendor/\n")
    for arguments in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    rules = IgnoreRules(tmp_path, git=GitPatience().about_tree(tmp_path) if asks_git else None)
    entries = list(walk(tmp_path, rules, is_python, FileLimits()))
    assert [entry.path for entry in entries if isinstance(entry, FoundFile)] == ["a.py", "lib/_vendor/v.py"]
    skipped = {entry.path: entry.reason for entry in entries if isinstance(entry, SkippedFile)}
    assert skipped == dict.fromkeys(["vendor", "src/third_party"], "folder of other people's code")


def test_links_are_never_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "repo", tmp_path / "outside"
    make(root, "pkg/real.py")
    make(outside, "secret.py", "more/deep.py")
    (root / "inside_link.py").symlink_to("pkg/real.py")
    (root / "out.py").symlink_to(outside / "secret.py")
    (root / "out_folder").symlink_to(outside)
    (root / "pkg" / "circle").symlink_to(root)
    (root / "self.py").symlink_to("self.py")
    (root / "a.py").symlink_to("b.py")
    (root / "b.py").symlink_to("a.py")
    (root / "broken.py").symlink_to("nowhere.py")
    found, skipped = listed(root)
    assert found == ["pkg/real.py"]
    broken = "link that is broken or leads in a circle"
    assert skipped == {
        "inside_link.py": "link, counted where it leads", "pkg/circle": "link, counted where it leads",
        "out.py": "link out of the repository", "out_folder": "link out of the repository",
        "self.py": broken, "a.py": broken, "b.py": broken, "broken.py": broken,
    }  # fmt: skip


def test_what_is_too_large_or_generated_is_skipped_with_a_reason(tmp_path: Path) -> None:
    make(tmp_path, "ok.py", "api_pb2.py", ".env", "deploy.pem")
    with (tmp_path / "huge.py").open("wb") as file:
        file.truncate(50_000_000)
    found, skipped = listed(tmp_path)
    assert found == ["ok.py"]
    assert skipped["huge.py"] == "larger than 524,288 bytes"
    assert skipped["api_pb2.py"] == "generated"
    assert skipped[".env"].startswith("secret") and skipped["deploy.pem"].startswith("secret")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    assert listed(tmp_path) == ([], {})


@pytest.mark.skipif(os.name == "nt", reason="Windows names are always text")
def test_a_name_that_is_not_utf8_is_skipped(tmp_path: Path) -> None:
    try:
        (tmp_path / os.fsdecode(b"caf\xe9.py")).write_text("x = 1\n")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert list(listed(tmp_path)[1].values()) == ["name is not UTF-8"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"x = 1\0", "binary"),
        ("s = 'caf\xe9'".encode("latin-1"), "not UTF-8"),
        ("x = 1\n".encode("utf-16"), "not UTF-8"),
        (b"# @generated by a tool\nx = 1\n", "generated"),
        (b"// Code generated by protoc-gen-go. DO NOT EDIT.\n", "generated"),
        (b"// <auto-generated>\n//   By a tool.\n", "generated"),
        (b"# Generated by the protocol buffer compiler.  DO NOT EDIT!\n", "generated"),
        (b"/* A Bison parser, made by GNU Bison 3.8.2.  */\n", "generated"),
        (b'#line 1 "lex.c"\n/* A lexical scanner generated by flex */\n', "generated"),
        (b"# This file was automatically generated by SWIG (http://www.swig.org).\n# Version 4.0.2\n", "generated"),
        (b"/**\n * Autogenerated by Thrift Compiler (0.19.0)\n *\n * DO NOT EDIT\n */\n", "generated"),
        (b"// Generated from Calc.g4 by ANTLR 4.13.1\npackage calc;\n", "generated"),
        (b"/" + b"*" * 70 + b"\n** Meta object code from reading C++ file 'window.h'\n**\n", "generated"),
        (
            b'# coding: utf-8\n\n"""\n    Shop\n\n    Generated by OpenAPI Generator (https://openapi-generator.tech)\n',
            "generated",
        ),
        (
            b"/*\n * Shop\n *\n * NOTE: This class is auto generated by OpenAPI Generator (https://x.org).\n */\n",
            "generated",
        ),
        (b"x=1;" * 3_000, "minified"),
    ],
)
def test_content_that_is_no_source(content: bytes, reason: str) -> None:
    decoded = decode_source(content)
    assert isinstance(decoded, NotSource)
    assert decoded.reason in (reason, "binary")  # UTF-16 is either


@pytest.mark.parametrize(
    "text",
    [
        'MARK = "@generated"\n',
        "# Files that carry @generated are left out.\nx = 1\n",
        "// parses the output of A Bison parser, made by whomever\n",
        'if (text.includes("Autogenerated by Thrift Compiler")) skip();\n',
        "/* Reads what was generated by SWIG. */\n",
        "# The OpenAPI Generator is run by the release.\n",
        'const AUTO = "<auto-generated>";\n',
    ],
)
def test_code_about_generated_files_is_source(text: str) -> None:
    assert decode_source(text.encode()) == text


def test_source_is_decoded_without_its_byte_order_mark() -> None:
    assert decode_source(b"\xef\xbb\xbfx = 1\r\n") == "x = 1\r\n"
