"""jedi's form of annotated tests: what is read of it, and an analysis that is held against it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codeassist_eval.analysis.jedi_tests import annotated_names
from codeassist_eval.errors import EvaluationError
from tests.eval.analysis.test_check import invoke

MARKED = """class Round:
    radius = 3

    def grow(self):
        return self

#? ['radius']
Round.rad
#? 12 ['grow']
Round().grow().radius
#? ['grow', 'shrink']
Round.
#? int()
Round.radius
#? []
unknown.nothing
#? Round()
Round()
#? str()
def name(): return ""
#! ['radius']
Round.radius
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "completion"
    made.mkdir()
    (made / "classes.py").write_text(MARKED)
    return made


def test_completions_and_built_in_types_are_read(folder: Path) -> None:
    found = {place.text.rpartition("\n")[2]: names for place, names in annotated_names(folder).items()}
    assert list(found) == ["Round.", "Round().", "Round.radius."] and found["Round()."] == {"grow"}
    assert {"real", "bit_length"} <= found["Round.radius."] and "upper" not in found["Round.radius."]
    (folder / "classes.py").write_text("x = 1\n")
    with pytest.raises(EvaluationError, match="no annotated places"):
        annotated_names(folder)


def test_the_command(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEASSIST_HOME", str(tmp_path / "home"))
    document = json.loads(invoke("analysis", "--jedi-tests", folder, "--json").stdout)
    assert (document["places"], document["active"], document["truth_excluded"]) == (4, 4, 1)
    assert document["excluded"][0]["line"].endswith("+shrink")
    assert invoke("analysis", "--jedi-tests", folder, "--draw", 3).exit_code != 0
