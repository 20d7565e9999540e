"""Installed packages on their way into their databases: which ones, what of them, shared by whom, and what never."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from codeassist.errors import Cancelled
from codeassist.request import CompletionRequest, InstalledIn
from codeassist_indexer.ingest import library_files
from codeassist_indexer.ingest.library_update import update_libraries
from codeassist_indexer.ingest.update import update_index
from codeassist_indexer.libraries import python_packages
from codeassist_indexer.retrieval.retrieve import IndexRetriever
from codeassist_indexer.storage.library_rows import libraries_generation, library_rows
from codeassist_indexer.storage.store import Store, database_path
from codeassist_indexer.storage.symbol_reader import stored_symbols
from tests.indexer.installed_packages import GEARS, WIDGETS, Repository, install

APP = {"app.py": "import json\nfrom widgets import Widget, Gear\n\nWidget('a')\n"}


@pytest.fixture(autouse=True)
def nothing_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX", "UV_PROJECT_ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(python_packages, "system_packages", list)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "one", tmp_path / "cache", APP)
    install(made.site_packages, "widgets", "2.1.0", WIDGETS)
    install(made.site_packages, "gears", "0.3", GEARS)
    install(made.site_packages, "unused", "1.0", {"unused.py": "def never(): ...\n"})
    return made


def store_of(repository: Repository, package: str) -> Store:
    [row] = [row for row in library_rows(repository.store) if row.package == package]
    return Store(repository.folder / row.database / "index.db", is_read_only=True)


def test_what_is_imported_is_indexed_and_what_it_hands_on_and_nothing_else(repository: Repository) -> None:
    assert repository.update()
    assert repository.labels() == ["gears 0.3", "widgets 2.1.0"]
    symbols = {(each.path, each.name) for each in stored_symbols(store_of(repository, "widgets"))}
    assert {
        ("widgets/_core.py", "Widget"),
        ("widgets/_core.py", "turn_knob"),
        ("widgets/shapes.py", "Circle"),
    } <= symbols
    assert not {name for _, name in symbols} & {"_private", "_hidden", "inner", "test_nothing"}
    assert store_of(repository, "widgets").query("SELECT count(*) FROM chunks") == [(0,)], "no text is kept"


def test_nothing_is_done_again_until_something_changes(repository: Repository) -> None:
    repository.update()
    before = libraries_generation(repository.store)
    assert not repository.update() and libraries_generation(repository.store) == before
    install(repository.site_packages, "unused", "1.1", {"unused.py": "def other(): ...\n"})
    assert not repository.update(), "what nobody imports changes nothing"
    (repository.root / "more.py").write_text("import unused\n")
    assert repository.update() and "unused 1.0" in repository.labels()


def test_another_version_takes_the_place_of_the_old_one(repository: Repository) -> None:
    repository.update()
    for path in repository.site_packages.glob("widgets-2.1.0.dist-info/*"):
        path.unlink()
    (repository.site_packages / "widgets-2.1.0.dist-info").rmdir()
    install(repository.site_packages, "widgets", "3.0", {"widgets/__init__.py": "class Widget:\n    new_knob = 1\n"})
    assert repository.update()
    assert repository.labels() == ["widgets 3.0"]


def test_a_changed_file_of_the_same_version_is_read_again(repository: Repository) -> None:
    repository.update()
    path = repository.site_packages / "widgets" / "shapes.py"
    path.write_text("class Square: ...\n")
    (repository.site_packages / "touched").write_text("")  # as an installation leaves it
    assert repository.update()
    names = {each.name for each in stored_symbols(store_of(repository, "widgets"))}
    assert "Square" in names and "Circle" not in names


def parsed_texts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    paths: list[str] = []
    fill: Callable[..., None] = library_files.fill

    def counting(store: Store, files: list[library_files.ReadFile], *more: object) -> None:
        paths.extend(file.path for file in files)
        fill(store, files, *more)

    monkeypatch.setattr("codeassist_indexer.ingest.library_update.fill", counting)
    return paths


def test_two_repositories_share_what_is_the_same_and_only_that(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.update()
    other = Repository(tmp_path / "two", tmp_path / "cache", APP)
    install(other.site_packages, "widgets", "2.1.0", WIDGETS)
    forged = {"gears/__init__.py": "class Gear:\n    def call_me_instead(self): ...\n"}
    install(other.site_packages, "gears", "0.3", forged)
    parsed = parsed_texts(monkeypatch)
    other.update()
    assert parsed == ["gears/__init__.py"], "the same widgets are not read twice"
    assert {each.name for each in stored_symbols(store_of(repository, "gears"))} == {"Gear", "mesh"}
    assert {each.name for each in stored_symbols(store_of(other, "gears"))} == {"Gear", "call_me_instead"}


def test_a_package_that_the_repository_is_itself_is_not_asked_for(tmp_path: Path) -> None:
    own = {
        "src/widgets/__init__.py": "class Own: ...\n",
        "app.py": "import widgets\nimport helper\n",
        "helper.py": "x = 1\n",
    }
    repository = Repository(tmp_path / "own", tmp_path / "cache", own)
    install(repository.site_packages, "widgets", "2.1.0", WIDGETS)
    install(repository.site_packages, "helper", "1.0", {"helper.py": "def far(): ...\n"})
    repository.update()
    assert repository.labels() == []


def test_stubs_count_first_unless_they_are_older(tmp_path: Path) -> None:
    files = {"app.py": "import old, new\n"}
    repository = Repository(tmp_path / "stubs", tmp_path / "cache", files)
    for name, version, of_stub in (("old", "3.2.1", "2.9.0.20250101"), ("new", "1.4.0", "1.4.0.20260101")):
        install(repository.site_packages, name, version, {f"{name}/__init__.py": "def f(a): ...\n"})
        stub = {f"{name}-stubs/__init__.pyi": "def f(a: int) -> str: ...\n"}
        install(repository.site_packages, f"types_{name}", of_stub, stub)
    repository.update()
    order = {row.module: [] for row in library_rows(repository.store)}
    for row in library_rows(repository.store):
        order[row.module].append(row.package)
    assert order == {"old": ["old", "types-old"], "new": ["types-new", "new"]}


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_what_leads_out_of_a_package_is_not_read(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "secret.py").write_text("class Stolen: ...\n")
    (repository.site_packages / "widgets" / "link.py").symlink_to(tmp_path / "secret.py")
    record = repository.site_packages / "widgets-2.1.0.dist-info" / "RECORD"
    record.write_text(record.read_text() + "widgets/link.py,,\n../../../../../secret.py,,\n/etc/hosts.py,,\n")
    repository.update()
    assert {each.path for each in stored_symbols(store_of(repository, "widgets"))} == {
        "widgets/__init__.py", "widgets/_core.py", "widgets/shapes.py",
    }  # fmt: skip


def test_a_package_is_bounded(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library_files, "MAX_FILES", 2)
    repository.update()
    assert store_of(repository, "widgets").num_files() == 2


def test_work_that_was_broken_off_is_done_the_next_time(repository: Repository) -> None:
    repository.update()
    for row in library_rows(repository.store):
        (repository.folder / row.database / "index.db").unlink()

    def ending() -> None:
        raise Cancelled("closing")

    with pytest.raises(Cancelled):
        update_libraries(repository.store, repository.root, repository.folder, breathe=ending)
    repository.update()
    assert {each.name for each in stored_symbols(store_of(repository, "gears"))} == {"Gear", "mesh"}


def test_a_broken_database_is_made_anew(repository: Repository) -> None:
    repository.update()
    [row] = [row for row in library_rows(repository.store) if row.package == "gears"]
    database = repository.folder / row.database / "index.db"
    database.write_bytes(b"no database at all" * 100)
    (repository.root / "more.py").write_text("import widgets.shapes\n")
    repository.update()
    assert {each.name for each in stored_symbols(store_of(repository, "gears"))} == {"Gear", "mesh"}


def test_a_project_beside_this_one_is_asked_in_its_own_index(tmp_path: Path) -> None:
    app = {"app.py": "from engine import Engine\nfrom tools import Tool\n", "own.py": ""}
    this = Repository(tmp_path / "app", tmp_path / "cache", app)
    for name, files in {
        "engine": {"src/engine/__init__.py": "from .core import Engine as Engine\n",
                   "src/engine/core.py": "class Engine:\n    def start_up(self, speed: int) -> None: ...\n"},
        "tools": {"tools/__init__.py": "class Tool:\n    size = 1\n", "own.py": "x = 1\n"},
        "never_opened": {"tools/__init__.py": "class Tool:\n    other = 1\n"},
    }.items():  # fmt: skip
        for path, text in files.items():
            (tmp_path / name / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / path).write_text(text)
    for name in ("engine", "tools"):
        update_index(Store(database_path(tmp_path / name, tmp_path / "cache")), tmp_path / name)
    for name, said in {
        "engine": {"url": (tmp_path / "engine").as_uri(), "dir_info": {"editable": True}},
        "copied": {"url": (tmp_path / "tools").as_uri(), "dir_info": {}},
        "never": {"url": (tmp_path / "never_opened").as_uri(), "dir_info": {"editable": True}},
    }.items():
        info = this.site_packages / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "direct_url.json").write_text(json.dumps(said))
    this.update()
    assert this.labels() == ["engine"], "pip says that it is editable; what was never opened is not read"
    assert update_libraries(this.store, this.root, this.folder, projects=[tmp_path / "tools", this.root])
    assert this.labels() == ["engine", "tools"]
    asked = IndexRetriever(this.store, "learned", libraries=this.libraries)

    def shown(line: str) -> dict[str, InstalledIn | None]:
        found = asked.candidates(CompletionRequest("app.py", app["app.py"] + line, "\n"))
        return {each.name: each.snippet.package for each in found.candidates}

    of_engine = InstalledIn("engine", str(tmp_path / "engine"))
    assert shown("e = Engine()\ne.start_up(")["Engine.start_up"] == of_engine
    assert shown("Tool(")["Tool"] == InstalledIn("tools", str(tmp_path / "tools"))
    (tmp_path / "engine/src/engine/core.py").write_text("class Engine:\n    def warm_up(self) -> None: ...\n")
    update_index(Store(database_path(tmp_path / "engine", tmp_path / "cache")), tmp_path / "engine")
    assert "Engine.warm_up" in shown("e = Engine()\ne.warm_up("), "as it is now"
