/** A notebook in the real workbench, against a server whose answers are known beforehand: its cells are completed in. */
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { ScriptedProgram } from "./scriptedProgram.ts";
import { scenesOf, Workbench } from "./workbench.ts";

const AREA = "def area(width, height):\n    return width * height";
const CELLS = [
  { cell_type: "markdown", metadata: {}, source: ["# Areas"] },
  { cell_type: "code", metadata: {}, source: ["import math"], outputs: [], execution_count: null },
  { cell_type: "code", metadata: {}, source: ["def are"], outputs: [], execution_count: null },
];
const NOTEBOOK = {
  cells: CELLS,
  metadata: { language_info: { name: "python" } },
  nbformat: 4,
  nbformat_minor: 5,
};
let server: ScriptedProgram;
let workbench: Workbench;
const scene = scenesOf(() => workbench);

before(async () => {
  server = await ScriptedProgram.create();
  workbench = await Workbench.open({
    files: { "areas.ipynb": JSON.stringify(NOTEBOOK) },
    settings: {},
    machine: { "codeassist.server.path": server.path },
  });
});
after(async () => {
  await workbench?.close();
  await server?.remove();
});

scene("the server is sent the notebook, words and code in their order", async () => {
  const { page } = workbench;
  await page.keyboard.press("Control+P");
  await page.locator(".quick-input-widget input").first().fill("areas.ipynb");
  await page.locator(".quick-input-list .monaco-list-row", { hasText: "areas.ipynb" }).first().click();
  await page.locator('.tab.active[aria-label*="areas.ipynb"]').waitFor();
  const { params } = await server.sent("the notebook", ({ method }) => method === "notebookDocument/didOpen");
  assert.ok(params.notebookDocument.uri.endsWith("/areas.ipynb"));
  assert.deepEqual(
    params.notebookDocument.cells.map((cell: { kind: number }) => cell.kind),
    [1, 2, 2],
  );
  assert.deepEqual(
    params.cellTextDocuments.map((cell: { languageId: string; text: string }) => [cell.languageId, cell.text]),
    [
      ["markdown", "# Areas"],
      ["python", "import math"],
      ["python", "def are"],
    ],
  );
  const opened = (await server.record()).filter(({ method }) => method === "textDocument/didOpen");
  assert.ok(!opened.some(({ params }) => params.textDocument.uri.startsWith("vscode-notebook-cell:")));
});

scene("ghost text appears in a cell, and Tab writes it there", async () => {
  const { page } = workbench;
  await page.locator(".notebookOverlay .cell.code .monaco-editor .view-lines", { hasText: "def are" }).click();
  await page.keyboard.press("Control+End");
  await page.keyboard.type("a");
  await workbench.retypeUntilGhostText("a");
  await page.keyboard.press("Tab");
  await workbench.ghostText().first().waitFor({ state: "detached" });
  const saved = JSON.parse(await workbench.saved("areas.ipynb"));
  assert.equal([saved.cells[2].source].flat().join(""), AREA);
  await server.sent("the item's command", ({ params }) => params?.command === "codeassist.accept");
});

scene("a cell that is added is sent, and completed in", async () => {
  const { page } = workbench;
  await page.keyboard.press("F1");
  await page.locator(".quick-input-widget input").first().fill(">Notebook: Insert Code Cell Below");
  await page.locator(".quick-input-list .monaco-list-row", { hasText: "Insert Code Cell Below" }).first().click();
  const added = await server.sent("the new cell", ({ params }) => params?.change?.cells?.structure !== undefined);
  assert.equal(added.params.change.cells.structure.array.start, CELLS.length);
  await page.locator(".notebookOverlay .cell.code .monaco-editor.focused").waitFor();
  await page.keyboard.type("def perimete");
  await workbench.retypeUntilGhostText("e");
  const { params } = await server.sent("a request in the new cell", ({ method, params }) => {
    return method === "textDocument/inlineCompletion" && params.position.character === "def perimete".length;
  });
  assert.ok(params.textDocument.uri.startsWith("vscode-notebook-cell:"));
});
