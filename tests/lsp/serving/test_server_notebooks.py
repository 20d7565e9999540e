"""Over real stdio: a notebook's cells are documents of which each sees the others, whatever happens to them."""

from __future__ import annotations

import time
from typing import Any

import pytest
from lsprotocol import types

from tests.lsp.conftest import Run
from tests.lsp.editor import DEADLINE_S, Editor

CODE, TEXT = types.NotebookCellKind.Code, types.NotebookCellKind.Markup


class NotebookEditor:
    """A notebook in an editor. Cells are named by numbers."""

    def __init__(self, editor: Editor, path: str = "plots/first.ipynb") -> None:
        self.editor = editor
        self.uri = editor.uri(path)
        self.version = 1

    def cell(self, number: int, kind: types.NotebookCellKind = CODE) -> types.NotebookCell:
        return types.NotebookCell(kind, self.cell_uri(number))

    def cell_uri(self, number: int) -> str:
        return f"vscode-notebook-cell:{self.uri.removeprefix('file://').removeprefix('untitled:')}#W{number}"

    def document(self, number: int, text: str, language: str = "python") -> types.TextDocumentItem:
        return types.TextDocumentItem(self.cell_uri(number), language, 1, text)

    def open(self, *texts: str) -> NotebookEditor:
        cells = [self.cell(number) for number in range(len(texts))]
        notebook = types.NotebookDocument(self.uri, "jupyter-notebook", 1, cells)
        documents = [self.document(number, text) for number, text in enumerate(texts)]
        self.editor.client.notebook_document_did_open(types.DidOpenNotebookDocumentParams(notebook, documents))
        return self

    def change(self, **cells: Any) -> None:
        self.version += 1
        identifier = types.VersionedNotebookDocumentIdentifier(self.version, self.uri)
        event = types.NotebookDocumentChangeEvent(cells=types.NotebookDocumentCellChanges(**cells))
        self.editor.client.notebook_document_did_change(types.DidChangeNotebookDocumentParams(identifier, event))

    def splice(
        self, start: int, num_removed: int, cells: list[types.NotebookCell], opened: Any = None, closed: Any = None
    ) -> None:
        array = types.NotebookCellArrayChange(start, num_removed, cells)
        self.change(structure=types.NotebookDocumentCellChangeStructure(array, opened, closed))

    def type(self, number: int, line: int, col: int, text: str) -> None:
        place = types.Position(line, col)
        identifier = types.VersionedTextDocumentIdentifier(self.version + 1, self.cell_uri(number))
        change = types.TextDocumentContentChangePartial(types.Range(place, place), text)
        self.change(text_content=[types.NotebookDocumentCellContentChanges(identifier, [change])])

    async def ask(self, number: int, line: int, col: int, automatic: bool = False) -> list[str]:
        found = await self.editor.ask(self.cell_uri(number), line, col, automatic)
        return [item.insert_text for item in found]

    async def close(self) -> None:
        params = types.DidCloseNotebookDocumentParams(types.NotebookDocumentIdentifier(self.uri), [])
        self.editor.client.notebook_document_did_close(params)
        await self.editor.idle()


def test_a_cell_sees_the_cells_around_it_in_their_order(run: Run) -> None:
    async def test(editor: Editor) -> None:
        sync = editor.capabilities.notebook_document_sync
        assert [each.notebook for each in sync.notebook_selector] == ["*"] and sync.save
        num_before = (await editor.idle())["documents"]
        notebook = NotebookEditor(editor).open("#say points", "x = ", "#say area\ny = 1")
        assert await notebook.ask(1, 0, 4) == ["points"], "of the last order before the cursor"
        explained = await editor.run("codeassist.explain")
        assert explained["path"] == "plots/first.ipynb"
        notebook.splice(0, 1, [])
        notebook.splice(2, 0, [notebook.cell(0)], [notebook.document(0, "#say late")])
        notebook.splice(0, 2, [notebook.cell(2), notebook.cell(1)])
        assert await notebook.ask(1, 0, 4) == ["area"], "cells that change places"
        notebook.type(2, 0, 9, "s")
        assert await notebook.ask(1, 0, 4) == ["areas"], "an edit in another cell"
        notebook.type(1, 0, 4, "ar")
        assert await notebook.ask(1, 0, 6, automatic=True) == ["eas"], "typed along"
        notebook.splice(1, 0, [notebook.cell(9, TEXT)], [notebook.document(9, "#say words", "markdown")])
        assert await notebook.ask(1, 0, 6) == ["words"], "what is said in words is a comment"
        notebook.change(data=[notebook.cell(2, TEXT), notebook.cell(9, TEXT)])
        assert (await editor.idle())["documents"] == num_before + 1, "to a model a notebook is one document"
        notebook.splice(7, 9, [notebook.cell(5)], [notebook.document(5, "#say five\nz = ")])
        assert await notebook.ask(5, 1, 4) == ["five"], "out of range is the end"
        await notebook.close()
        assert (await editor.idle())["documents"] == num_before
        assert await notebook.ask(1, 0, 4) == []

    run(test)


def test_a_cell_is_fitted_and_has_the_repository_of_its_notebook(run: Run) -> None:
    body = "    for x in points:\\n        area(x)\\nrest = 1"

    async def test(editor: Editor) -> None:
        notebook = NotebookEditor(editor).open(
            f"%matplotlib inline\n!ls \"it's\n#say {body}",
            "%%time\ndef show(points):\n",
            "rest = 1\n",
            "#cite\nshapes.",
        )
        assert await notebook.ask(1, 2, 0, automatic=True) == ["    for x in points:\n        area(x)"]
        notebook.type(1, 2, 0, "    ")
        assert await notebook.ask(1, 2, 4, automatic=True) == ["for x in points:\n        area(x)"]
        await notebook.close()
        again = NotebookEditor(editor).open("from src import shapes\n#cite\nshapes.polygon_area", "shapes.\n")
        while await again.ask(1, 0, 7) != ["polygon_area"]:  # what was late is looked for again
            assert (await editor.run("codeassist.explain"))["late_sources"]
        await again.close()

    run(test)


def test_a_notebook_without_a_file_and_cells_without_a_text(run: Run) -> None:
    async def test(editor: Editor) -> None:
        notebook = NotebookEditor(editor, "untitled:Untitled-1.ipynb")
        cells = [notebook.cell(7), notebook.cell(0), notebook.cell(1)]
        documents = [notebook.document(0, "#say points"), notebook.document(1, "x = ")]
        params = types.DidOpenNotebookDocumentParams(
            types.NotebookDocument(notebook.uri, "jupyter-notebook", 1, cells), documents
        )
        editor.client.notebook_document_did_open(params)
        assert await notebook.ask(1, 0, 4) == ["points"]
        editor.client.notebook_document_did_open(params)  # again, as after a crash
        notebook.type(1, 0, 4, "po")
        assert await notebook.ask(1, 0, 6) == ["ints"]
        await notebook.close()
        await notebook.close()
        notebook.type(1, 0, 0, "x")
        await editor.hears(
            lambda: any("Untitled-1.ipynb was edited, but is not open" in each for each in editor.messages)
        )

    run(test)


@pytest.mark.parametrize("is_notebook", [True, False])
def test_names_are_held_to_what_other_cells_and_other_files_define(run: Run, is_notebook: bool) -> None:
    watch = "class Watch:\n    def start_lap(self): ...\n    def stop_lap(self): ...\n"

    async def test(editor: Editor) -> None:
        notebook = NotebookEditor(editor)
        if is_notebook:
            notebook.open("!echo \"it's", watch, "watch = Watch()\nwatch.", "%who\n")
        else:
            editor.open("untitled:Untitled-1", "from src import shapes\nshapes.", language="python")
        where = (notebook.cell_uri(2), 1, 6) if is_notebook else ("untitled:Untitled-1", 1, 7)
        names = ["start_lap", "stop_lap"] if is_notebook else ["polygon_area"]
        deadline = time.monotonic() + DEADLINE_S
        while True:  # the analysis may start later than a request waits for it
            await editor.ask(*where)
            acts = (await editor.run("codeassist.explain")).get("monitors", [])
            known = [act for act in acts if act["kind"] == "member" and act["num_allowed"]]
            if known:
                break
            assert time.monotonic() < deadline, acts
        assert known[0]["source"] == "jedi" and set(names) <= set(known[0]["some"]), known
        if is_notebook:
            await notebook.close()

    run(test)
