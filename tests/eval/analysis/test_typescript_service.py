"""TypeScript's language service as an oracle: what it completes, and names that an analysis left out of that."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from codeassist_eval.analysis.check import check_analysis
from codeassist_eval.analysis.places import AskedPlace, drawn_places
from codeassist_eval.analysis.typescript_service import TypeScriptService
from codeassist_eval.errors import EvaluationError

OWN = Path(__file__).parents[3] / "editor-plugins" / "vscode" / "node_modules" / "typescript"
PACKAGE = Path(os.environ.get("CODEASSIST_TYPESCRIPT", OWN))
needs_typescript = pytest.mark.skipif(
    shutil.which("node") is None or not (PACKAGE / "lib" / "typescript.js").is_file(),
    reason="no node with npm's typescript 5 (editor-plugins/vscode/node_modules or $CODEASSIST_TYPESCRIPT)",
)
SHAPES = """export class Circle {
  radius = 1;
  area(): number { return 1; }
}
export const unit = new Circle();
"""
USE = """import { unit } from "./shapes";

const circle = unit;
unit.area();
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "repos" / "demo"
    root.mkdir(parents=True)
    (root / "shapes.ts").write_text(SHAPES)
    (root / "use.ts").write_text(USE)
    return root


@pytest.fixture
def service() -> Iterator[TypeScriptService]:
    made = TypeScriptService(PACKAGE)
    yield made
    made.close()


def at(folder: Path, line: str) -> AskedPlace:
    return next(place for place in drawn_places(folder, "typescript", 50, 0) if place.line == line)


@needs_typescript
def test_all_names_at_a_place(folder: Path, service: TypeScriptService) -> None:
    assert service.names(at(folder, "unit.<area>")) == {"area", "radius"}
    named = {asked.place.kind: service.names(asked) for asked in drawn_places(folder, "typescript", 50, 0)}
    assert named["import"] is None or named["import"] >= {"Circle", "unit"}


@needs_typescript
def test_a_name_that_the_analysis_leaves_out_counts(tmp_path: Path, folder: Path, service: TypeScriptService) -> None:
    asked = at(folder, "unit.<area>")
    right = check_analysis([asked], tmp_path / "indexes", service.names)
    assert (right.counts["typescript", "member"].num_active, right.excluded) == (1, [])
    wrong = check_analysis([asked], tmp_path / "indexes", lambda _: frozenset({"area", "unknown"}))
    assert [each.line for each in wrong.excluded] == ["unit.<area> +unknown"]


def test_a_folder_without_the_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="npm install"):
        TypeScriptService(tmp_path)
