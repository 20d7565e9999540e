"""The house: small modules, folders of one concept, tests laid out like the code."""

from __future__ import annotations

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
