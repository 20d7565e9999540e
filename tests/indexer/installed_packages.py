"""Packages as pip leaves them in an environment, and a repository that imports them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from codeassist_indexer.ingest.library_update import update_libraries
from codeassist_indexer.ingest.update import update_index
from codeassist_indexer.storage.library_stores import LibraryStores
from codeassist_indexer.storage.store import Store

WIDGETS = {
    "widgets/__init__.py": """from ._core import *
from .shapes import Circle as Circle

__all__ = ["Widget", "open_widget", "Circle"]
""",
    "widgets/_core.py": '''from __future__ import annotations

from gears import Gear as Gear

__all__ = ["Widget", "open_widget"]


class Widget:
    """A thing with knobs. It has more to it."""

    def __init__(self, name: str, *, num_knobs: int = 3) -> None:
        self.name = name
        self._hidden = num_knobs

    def turn_knob(self, knob: int, *, degrees: float, clockwise: bool = True) -> Widget:
        """Turn one of them."""
        inner = 1
        return self

    def _private(self) -> None: ...


def open_widget(path: str, /, mode: str = "r") -> Widget:
    """Open one that was saved."""
    return Widget(path)
''',
    "widgets/shapes.py": "class Circle:\n    def area_of_it(self) -> float: ...\n",
    "widgets/tests/test_it.py": "def test_nothing(): ...\n",
}
REMOTE = {
    "remote/__init__.py": "from ._client import Client as Client\nfrom ._client import connect as connect\n",
    "remote/_client.py": """from __future__ import annotations

import typing as t
from functools import cached_property

from gears import Gear

from .messages import Messages


class Base:
    def close_it(self) -> None: ...


class Client(Base):
    messages: Messages

    def __enter__(self) -> t.Self: ...

    @cached_property
    def raw(self) -> "Messages | None": ...

    async def gear(self, number: int) -> t.Optional[Gear]: ...

    def with_options(self, *, timeout: float) -> Self: ...


def connect(url: str) -> Client: ...
""",
    "remote/messages.py": "class Messages:\n    def create_one(self, *, model: str, max_tokens: int) -> str: ...\n",
}
GEARS = {
    "gears/__init__.py": 'class Gear:\n    """Turns others."""\n\n    def mesh(self, other: "Gear") -> None: ...\n'
}


def install(site_packages: Path, name: str, version: str, files: Mapping[str, str]) -> None:
    """Write a distribution with its record."""
    for path, text in files.items():
        (site_packages / path).parent.mkdir(parents=True, exist_ok=True)
        (site_packages / path).write_text(text, encoding="utf-8")
    info = site_packages / f"{name}-{version}.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    record = [*files, f"{info.name}/METADATA", f"{info.name}/RECORD"]
    (info / "RECORD").write_text("".join(f"{path},,\n" for path in record))


def environment_of(root: Path) -> Path:
    """Return the site-packages of a new environment in a repository."""
    site_packages = root / ".venv" / "lib" / "python3.11" / "site-packages"
    site_packages.mkdir(parents=True)
    (root / ".venv" / "pyvenv.cfg").write_text("home = /usr/bin\n")
    return site_packages


class Repository:
    """A repository with an environment of its own, its index, and a cache that others may share."""

    def __init__(self, root: Path, cache: Path, files: Mapping[str, str]) -> None:
        self.root = root
        self.folder = cache / "libraries"
        root.mkdir(parents=True)
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        self.site_packages = environment_of(root)
        self.store = Store(cache / "index" / root.name / "index.db")
        self.libraries = LibraryStores(self.folder)

    def update(self) -> bool:
        """Bring index and packages up to date; say whether packages have changed."""
        update_index(self.store, self.root)
        return update_libraries(self.store, self.root, self.folder)

    def labels(self) -> list[str]:
        """Return what the packages are called that its index names."""
        return [library.label for library in self.libraries.of(self.store).by_number]
