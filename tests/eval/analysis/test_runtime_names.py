"""What `dir()` says of installed modules, held against the analysis."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from codeassist_eval.analysis.runtime_names import check_runtime, runtime_names
from codeassist_eval.errors import EvaluationError
from tests.eval.analysis.test_check import invoke

DEMO = """class Circle:
    size = 3

    def grow(self):
        return self


class Open:
    def __getattr__(self, name):
        return name


from demo import patches
"""
PATCHES = """import sys

sys.modules["demo"].Circle.radius = 3
print("imported")
"""


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    packages = tmp_path / "env" / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    (packages / "demo").mkdir(parents=True)
    (packages / "demo" / "__init__.py").write_text(DEMO)
    (packages / "demo" / "patches.py").write_text(PATCHES)
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "env"))
    return tmp_path / "env"


def test_a_name_that_only_running_code_gives_is_seen_to_be_missing(environment: Path) -> None:
    found = runtime_names(["demo", "no_such_module"], environment)
    assert [(each.module, each.class_name) for each in found] == [("demo", None), ("demo", "Circle"), ("demo", "Open")]
    assert found[1].names == {"size", "grow", "radius"}
    figures = check_runtime(found)
    assert [(each.kind, each.where, each.line) for each in figures.excluded] == [
        ("class", "demo.Circle", "radius"),
        ("instance", "demo.Circle", "radius"),
    ]
    places = {kind: (count.num_places, count.num_active) for (_, kind), count in figures.counts.items()}
    assert places == {"import": (1, 1), "module": (1, 1), "class": (2, 1), "instance": (2, 1)}
    assert "demo" not in sys.modules, "nothing is imported here"


def test_who_cannot_be_imported_is_told(environment: Path) -> None:
    with pytest.raises(EvaluationError, match="none of no_such_module"):
        runtime_names(["no_such_module"], environment)


def test_the_command(environment: Path) -> None:
    document = json.loads(invoke("analysis", "--installed", "json", "--installed", "fractions", "--json").stdout)
    assert (document["places"], document["truth_excluded"]) == (12, 0) and document["active"] >= 10
    assert invoke("analysis", "--installed", "json", "--draw", "3").exit_code != 0
