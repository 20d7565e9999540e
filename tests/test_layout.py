"""The house: small modules, folders of one concept, tests laid out like the code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "": ROOT / "codeassist",
    "indexer": ROOT / "indexer" / "codeassist_indexer",
    "lsp": ROOT / "lsp" / "codeassist_lsp",
    "eval": ROOT / "eval" / "codeassist_eval",
}
MOST_LINES, MOST_MODULES = 350, 22
# What crosses packages, and what is no Python package.
ACROSS = {"editors", "end_to_end", "security", "tools"}


def folders(package: Path) -> list[Path]:
    return [package, *(path.parent for path in package.rglob("*/__init__.py"))]


def test_modules_are_small_and_folders_hold_one_concept() -> None:
    modules = [path for package in PACKAGES.values() for path in package.rglob("*.py")]
    plugins = ROOT / "editor-plugins"
    modules += [*(plugins / "nvim").rglob("*.lua"), *(plugins / "vscode" / "src").rglob("*.ts")]
    too_long = {path: num for path in modules if (num := len(path.read_text("utf-8").splitlines())) > MOST_LINES}
    assert len(modules) > 200 and not too_long
    sizes = {folder: len(list(folder.glob("*.py"))) - 1 for package in PACKAGES.values() for folder in folders(package)}
    assert not {folder: num for folder, num in sizes.items() if num > MOST_MODULES}


def test_each_folder_of_tests_is_one_of_the_code() -> None:
    for folder in folders(ROOT / "tests")[1:]:
        first, *rest = folder.relative_to(ROOT / "tests").parts
        if first in ACROSS or (folder == ROOT / "tests" / first and first in PACKAGES):
            continue
        package = PACKAGES.get(first)
        code = PACKAGES[""].joinpath(first, *rest) if package is None else package.joinpath(*rest)
        assert code.is_dir(), folder


# What is no index: a small database of its own, whose one module is all that knows it.
OTHER_DATABASES = {"lsp/codeassist_lsp/usage/feedback_store.py", "eval/codeassist_eval/tasks/claimed_folder.py"}
SQL = re.compile(r"\s*(?:SELECT|INSERT|UPDATE|DELETE|REPLACE|CREATE|DROP|ALTER|PRAGMA|BEGIN|WITH RECURSIVE)\s")
SQL_CALLS = {"execute", "executemany", "executescript"}


def sql_in(source: str) -> list[int]:
    """Return the lines with a statement of SQL, with a call that runs one, or with an import of a database."""
    lines: list[int] = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Constant(value=str(text)) if SQL.match(text):
                lines.append(node.lineno)
            case ast.Call(func=ast.Attribute(attr=name)) if name in SQL_CALLS:
                lines.append(node.lineno)
            case ast.Attribute(attr="conn"):
                lines.append(node.lineno)
            case ast.Import(names=names) if any(each.name in ("sqlite3", "sqlite_utils") for each in names):
                lines.append(node.lineno)
            case ast.ImportFrom(module="sqlite3" | "sqlite_utils"):
                lines.append(node.lineno)
            case _:
                pass
    return lines


def test_sql_stands_in_storage_only() -> None:
    found: dict[str, list[int]] = {}
    for package in PACKAGES.values():
        for path in package.rglob("*.py"):
            if lines := sql_in(path.read_text("utf-8")):
                found[path.relative_to(ROOT).as_posix()] = lines
    inside = {path for path in found if path.startswith("indexer/codeassist_indexer/storage/")}
    assert len(inside) > 4
    assert set(found) - inside == OTHER_DATABASES, {path: found[path] for path in set(found) - inside}


def test_what_runs_sql_is_seen() -> None:
    for source in (
        'rows = store.query(f"SELECT id FROM {table}")',
        'sql = " delete from files"'.upper(),
        "database.execute(statement)",
        "store.conn.commit()",
        "from sqlite_utils import Database",
        "import json, sqlite3",
    ):
        assert sql_in(source), source
    assert not sql_in('"""Select what is shown."""\nencoder.query(request)\nchosen = select(candidates)')
