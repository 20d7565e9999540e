"""Names of installed packages and of the standard library: what is there today, not what a bundled stub remembers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from codeassist.request import AllowedNames, CompletionRequest
from codeassist_indexer.analysis.service import RepositoryAnalysisService
from tests.indexer.analysis.annotated import make_repository

# The shape of Django, whose settings and choices are made while it runs; jedi has a stub of Django of its own.
PACKAGES = {
    "django/__init__.py": "",
    "django/conf/__init__.py": """class LazySettings:
    def __getattr__(self, name):
        return getattr(self._wrapped, name)

    def configure(self):
        return None


settings = LazySettings()
""",
    "django/db/__init__.py": "",
    "django/db/models/__init__.py": "from django.db.models.enums import TextChoices\n",
    "django/db/models/enums.py": """from enum import Enum, EnumMeta


class ChoicesType(EnumMeta):
    @property
    def choices(cls):
        return []


class Choices(Enum, metaclass=ChoicesType):
    @property
    def label(self):
        return ""


class TextChoices(str, Choices):
    pass
""",
    "gadget/__init__.py": "def __getattr__(name):\n    raise AttributeError(name)\n\n\nclass Gadget:\n    size = 1\n",
}
STATUS = "from django.db.models import TextChoices\n\n\nclass S(TextChoices):\n    OPEN = 1\n\n\nprint(S."


@pytest.fixture(scope="module")
def analyst(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RepositoryAnalysisService]:
    base = tmp_path_factory.mktemp("installed")
    packages = base / "env" / "lib" / "python3.11" / "site-packages"
    own = Path(pytest.__file__).parents[1]
    for path, text in PACKAGES.items():
        (packages / path).parent.mkdir(parents=True, exist_ok=True)
        (packages / path).write_text(text)
    for name in ("pytest", "_pytest"):
        (packages / name).symlink_to(own / name)
    root = base / "repository"
    store = make_repository(root, {"app.py": ""})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIRTUAL_ENV", str(base / "env"))
        made = RepositoryAnalysisService(root, store, deadline_s=60)
        yield made
        made.close()


def names(analyst: RepositoryAnalysisService, text: str) -> AllowedNames | None:
    analysis = analyst.analyse(CompletionRequest("app.py", text, "\n"))
    assert analysis is not None
    place = analysis.place(text)
    assert place is not None
    return analysis.names(text, place)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("from itertools import ", "pairwise"),
        ("from itertools import ", "batched"),
        ("from typing import ", "override"),
        ("(3).", "bit_count"),
        ("ValueError('').", "add_note"),
        (
            "import unittest\n\nunittest.TestCase().",
            "assertEqual",
        ),
        ("import gadget\n\ngadget.Gadget.", "size"),
    ],
)
def test_what_is_there_surely_may_stand_there(analyst: RepositoryAnalysisService, text: str, name: str) -> None:
    found = names(analyst, text)
    assert found is not None and found.strength == "sure" and name in found.names


@pytest.mark.parametrize("text", ["from django.conf import settings\n\nsettings.", STATUS, STATUS + "OPEN."])
def test_what_is_made_while_it_runs_is_not_known(analyst: RepositoryAnalysisService, text: str) -> None:
    assert names(analyst, text) is None


def test_a_module_with_getattr_is_only_likely_to_have_no_other_names(analyst: RepositoryAnalysisService) -> None:
    found = names(analyst, "from gadget import ")
    assert found is not None and found.strength == "likely" and "Gadget" in found.names


def test_values_of_a_parametrized_test_are_not_counted(analyst: RepositoryAnalysisService) -> None:
    """`def param(*values, marks=(), id=None)` hands its values on to a function that takes them, too."""
    found = names(analyst, "import pytest\n\npytest.param(")
    assert found is not None and found.room is None and {"id", "marks"} <= found.names
    found = names(analyst, "import pytest\n\npytest.param(1, 2, id='two', ")
    assert found is not None and found.names == {"marks"}
