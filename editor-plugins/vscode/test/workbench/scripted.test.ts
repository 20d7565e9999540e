/** The packed extension in the real workbench, against a server whose answers are known beforehand. */
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { ScriptedProgram } from "./scriptedProgram.ts";
import { scenesOf, until, Workbench } from "./workbench.ts";

const AREA = "def area(width, height):\n    return width * height";
/** What the folder's own settings try: to run a program, to choose the model; and something harmless. */
const THEIRS = {
  "codeassist.server.path": "/bin/false",
  "codeassist.model.name": "theirs",
  "codeassist.editor.mode": "off",
  "codeassist.editor.multiline": "never",
};
let server: ScriptedProgram;
let workbench: Workbench;
const scene = scenesOf(() => workbench);

before(async () => {
  server = await ScriptedProgram.create();
  workbench = await Workbench.open({
    files: { "shapes.py": "", ".vscode/settings.json": JSON.stringify(THEIRS) },
    settings: { "codeassist.editor.maxLines": 5 },
    machine: { "codeassist.server.path": server.path },
  });
});
after(async () => {
  await workbench?.close();
  await server?.remove();
});

scene("ghost text appears, and Tab writes it into the document", async () => {
  await workbench.openFile("shapes.py");
  await workbench.page.keyboard.type("def area");
  await workbench.retypeUntilGhostText("a");
  assert.equal((await workbench.drawnLines())[0], AREA.split("\n")[0]);
  const shown = await server.sent(
    "the item is reported as shown",
    ({ method }) => method === "textDocument/didShowCompletion",
  );
  assert.equal(shown.params.item.insertText, AREA.slice("def area".length));

  await workbench.page.keyboard.press("Tab");
  await workbench.ghostText().first().waitFor({ state: "detached" });
  assert.equal(await workbench.saved("shapes.py"), AREA);
  const accepted = await server.sent("the item's command", ({ params }) => params?.command === "codeassist.accept");
  assert.deepEqual(accepted.params.arguments, shown.params.item.command.arguments);
});

scene("the server gets what the user set and what a workspace may set, and no defaults", async () => {
  const [initialize] = await server.record();
  assert.deepEqual(initialize?.params.initializationOptions, { editor: { max_lines: 5, multiline: "never" } });
});

scene("typing along keeps the rest on the screen, an accepted word is reported", async () => {
  const { page } = workbench;
  await page.keyboard.press("Control+End");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Shift+Home"); // the editor indents by itself
  await page.keyboard.type("def peri");
  await workbench.ghostText().first().waitFor();
  for (const letter of "meter") {
    await page.keyboard.type(letter);
    await workbench.ghostText().first().waitFor();
  }
  assert.deepEqual((await server.record()).filter(isPartial), [], "typing is no acceptance");

  for (const part of ["(", "width"]) {
    await page.keyboard.press("Control+ArrowRight");
    const { params } = await server.sent(`"${part}" is accepted`, (message) => {
      return (
        isPartial(message) && message.params.item.insertText.slice(0, message.params.acceptedLength).endsWith(part)
      );
    });
    assert.equal(params.item.range.start.line, 3);
    await workbench.ghostText().first().waitFor();
  }
  assert.equal(await workbench.saved("shapes.py"), `${AREA}\n\ndef perimeter(width`);
});

scene("the status bar shows the server's status and opens the menu", async () => {
  const { page } = workbench;
  const item = page.locator(".statusbar-item", { hasText: "codeassist" });
  const hover = (await item.getAttribute("aria-label")) ?? "";
  for (const said of ["Model: the-script on cpu", "Suggestions: automatic", "The last suggestion came after"])
    assert.ok(hover.includes(said), hover);
  await item.click();
  const menu = workbench.choices();
  for (const said of ["the-script on cpu", "automatic: they appear while you type", "Suggestions for python"])
    await menu.filter({ hasText: said }).waitFor();
  await menu.filter({ hasText: "Explain the last suggestion" }).click();
  await page.locator('.tab[aria-label*="Last suggestion"]').waitFor();
  await workbench.previewShows("It is written in the script.");
  await server.sent("the explanation is asked for", ({ params }) => params?.command === "codeassist.explain");
});

scene("status is a page in words, and indexing again is the server's work", async () => {
  await workbench.command("codeassist: Show Status");
  await workbench.page.locator('.tab[aria-label*="Status"]').waitFor();
  await workbench.previewShows("the-script on cpu");
  await workbench.previewShows("answered by the model");
  await workbench.command("codeassist: Index the Workspace Again");
  await server.sent("the index is asked for", ({ params }) => params?.command === "codeassist.reindex");
});

scene("off for a language, off, and back again: settings that the server hears of", async () => {
  await workbench.openFile("shapes.py");
  await workbench.command("codeassist: Toggle Suggestions for This Language");
  await server.sent("the language", ({ method, params }) => {
    return (
      method === "workspace/didChangeConfiguration" &&
      params.settings.codeassist.editor?.off_languages?.[0] === "python"
    );
  });
  await workbench.command("codeassist: Toggle Suggestions for This Language");
  await until("the language is on again", async () => {
    const settings = await workbench.settingsOf("User");
    return settings !== undefined && !("codeassist.editor.offLanguages" in settings);
  });

  await workbench.command("codeassist: Disable Suggestions");
  await server.sent("off", ({ method, params }) => {
    return method === "workspace/didChangeConfiguration" && params.settings.codeassist.editor?.mode === "off";
  });
  await workbench.command("codeassist: Enable Automatic Suggestions");
  await until("on", async () => (await workbench.settingsOf("User"))?.["codeassist.editor.mode"] === "automatic");
});

scene("a restarted server is told of the open document, and asked again once it is ready", async () => {
  const opened = async () =>
    (await server.record()).filter(
      ({ method, params }) => method === "textDocument/didOpen" && params.textDocument.uri.endsWith("shapes.py"),
    ).length;
  const openedBefore = await opened();
  await workbench.command("codeassist: Restart the Server");
  await until("the second one has the document", async () => (await opened()) > openedBefore);
  await workbench.openFile("shapes.py");
  await workbench.page.keyboard.press("Control+End");
  await workbench.page.keyboard.type(","); // it answers this with nothing
  await workbench.ghostText().first().waitFor();
  await workbench.page.keyboard.press("Tab");
  assert.equal(
    await workbench.saved("shapes.py"),
    `${AREA}\n\ndef perimeter(width, height):\n    return 2 * (width + height)`,
  );
});

scene("the alternative that is shown is the one that is explained", async () => {
  const { page } = workbench;
  await workbench.openFile("shapes.py");
  await page.keyboard.press("Control+A");
  await page.keyboard.type("def area");
  await workbench.retypeUntilGhostText("a");
  await page.keyboard.press("Alt+BracketRight");
  await until("the other one is drawn", async () => (await workbench.drawnLines())[0]?.endsWith("# or so"));
  const shown = await server.sent("the other one is reported as shown", ({ method, params }) => {
    return method === "textDocument/didShowCompletion" && params.item.insertText.includes("# or so");
  });
  await workbench.command("codeassist: Explain the Last Suggestion");
  await server.sent("that one is explained", ({ params }) => {
    return params?.command === "codeassist.explain" && params.arguments[0] === shown.params.item.command.arguments[0];
  });
});

scene("a line is accepted with a key of its own", async () => {
  const { page } = workbench;
  await workbench.openFile("shapes.py");
  await page.keyboard.press("Control+End");
  await workbench.retypeUntilGhostText("a");
  await page.keyboard.press("Alt+ArrowRight");
  assert.match(await workbench.saved("shapes.py"), /^def area\(width, height\):\s*$/);
});

scene("the context menu has what is about the place", async () => {
  const { page } = workbench;
  await workbench.command("Show Editor Context Menu");
  await page.locator(".monaco-menu .action-label", { hasText: "codeassist" }).hover();
  await page.locator(".monaco-menu .action-label", { hasText: "Suggest Here" }).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
});

scene("the log says which server was started, and why that one", async () => {
  await workbench.command("codeassist: Show the Log");
  const panel = workbench.page.locator(".part.panel .view-lines");
  await until("the line", async () => {
    const text = ((await panel.textContent()) ?? "").replace(/\u00a0/g, " ");
    return text.includes(`starting ${server.path} (setting)`);
  });
  await workbench.command("View: Hide Panel");
});

scene("looking for problems shows what `codeassist doctor` prints", async () => {
  await workbench.command("codeassist: Look for Problems");
  await workbench.page.locator('.tab.active[aria-label*="Doctor"]').waitFor();
  await until(
    "its answer",
    async () => (await workbench.page.locator(".view-line", { hasText: "doctor" }).count()) > 0,
  );
});

scene(
  "the documentation of the installed server is read beside the editor, and all pages stand in one column",
  async () => {
    await workbench.command("codeassist: Read the Documentation");
    await workbench.choices().filter({ hasText: "Settings" }).click();
    await workbench.previewShows("The page of the disk.");
    assert.equal(await workbench.page.locator(".editor-group-container").count(), 2);
  },
);

scene("the walkthrough knows that there is a server and that a suggestion was accepted", async () => {
  await workbench.command("codeassist: Open the Walkthrough");
  for (const title of ["Install the server", "Fetch a model", "Type, and accept what helps", "Ask why"])
    await workbench.walkthroughStep(title).locator(".complete").first().waitFor();
});

function isPartial({ method }: { method: string }): boolean {
  return method === "textDocument/didPartiallyAcceptCompletion";
}
