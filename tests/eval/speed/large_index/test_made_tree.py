"""Trees made of real repositories: the same again, larger ones begin with smaller ones, imports still lead to files."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeassist.errors import SettingsError
from codeassist_eval.speed.large_index.made_tree import MadeTree
from codeassist_indexer.ingest.update import update_index
from codeassist_indexer.storage.lexical import code_tokens
from codeassist_indexer.storage.store import Store

_FILES = {
    "shop/store/__init__.py": "from shop.store.pricing import PriceTable\n",
    "shop/store/pricing.py": "class PriceTable:\n    def price_of(self, item_code):\n        return main(item_code)\n",
    "shop/tests/test_pricing.py": "from shop.store.pricing import PriceTable\n\n\ndef test_it():\n    PriceTable()\n",
    "tools/main.py": "def main(value):\n    return value\n",
    "other/main.py": "import numpy\n\n\ndef main(value):\n    return numpy.array(value)\n",
    "third/main.py": "def main(value):\n    return value\n",
    "third/notes.txt": "no source\n",
}


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    for path, text in _FILES.items():
        (tmp_path / "sources" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "sources" / path).write_text(text, encoding="utf-8")
    return tmp_path / "sources"


def made(sources: Path, tree: Path, num_files: int, seed: int = 0) -> dict[str, str]:
    assert [*MadeTree(sources, seed).write(tree, num_files)][-1] == num_files
    return {path.relative_to(tree).as_posix(): path.read_text() for path in sorted(tree.rglob("*")) if path.is_file()}


def test_the_same_seed_makes_the_same_and_more_files_only_add(sources: Path, tmp_path: Path) -> None:
    few = made(sources, tmp_path / "few", 9)
    assert made(sources, tmp_path / "again", 9) == few
    many = made(sources, tmp_path / "many", 40)
    assert many.items() > few.items() and len(many) == 40
    assert made(sources, tmp_path / "else", 9, seed=1) != few
    part = MadeTree(sources, 0)
    assert part.num_files_with(part.num_bytes(17)) == 17
    in_first = {path.removeprefix("part_0/"): text for path, text in many.items() if path.startswith("part_0/")}
    assert in_first == {path: text for path, text in _FILES.items() if not path.endswith(".txt")}


def test_a_copy_has_names_of_its_own_which_its_imports_find(sources: Path, tmp_path: Path) -> None:
    files = made(sources, tmp_path / "tree", 6 * 20)
    store = Store(tmp_path / "index.db")
    update_index(store, tmp_path / "tree")
    for copy in (1, 19):
        of_copy = {path: text for path, text in files.items() if path.startswith(f"part_{copy}/shop/")}
        (package,) = (path for path in of_copy if path.endswith("__init__.py"))
        sql = "SELECT module, name FROM imports i JOIN files f ON f.id = i.file_id WHERE f.path = ?"
        ((module, name),) = store.query(sql, (package,))
        (defining,) = (path for path, text in of_copy.items() if f"class {name}:" in text)
        assert name != "PriceTable" and defining == f"part_{copy}/{module.replace('.', '/')}.py"
        assert "main(" in of_copy[defining]  # many repositories have it: it stays
        assert files[f"part_{copy}/other/main.py"] == _FILES["other/main.py"]
    names = [
        {token for path in files if path.startswith(f"part_{copy}/") for token in code_tokens(files[path], "python")}
        for copy in range(20)
    ]
    num_known = [len(set().union(*names[:number])) for number in (1, 10, 20)]
    assert num_known[0] < num_known[1] < num_known[2]
    store.close()


def test_a_folder_without_source_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    with pytest.raises(SettingsError, match="no source files"):
        MadeTree(tmp_path, 0)
