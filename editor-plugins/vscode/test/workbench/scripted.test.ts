/** The packed extension in the real workbench, against a server whose answers are known beforehand. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { until, Workbench } from "./workbench.ts";

const AREA = "def area(width, height):\n    return width * height";
let workbench: Workbench;

before(async () => {
  workbench = await Workbench.open({
    files: { "shapes.py": "" },
    settings: { "codeassist.editor.maxLines": 5 },
    server: `exec '${process.execPath}' '${join(import.meta.dirname, "scriptedServer.ts")}' "$RECORD" "$@"`,
  });
});
after(() => workbench?.close());

scene("ghost text appears, and Tab writes it into the document", async () => {
  await workbench.openFile("shapes.py");
  await workbench.page.keyboard.type("def area");
  await workbench.retypeUntilGhostText("a");
  assert.match(await ghostLines(), /\(width, height\)/);
  const shown = await workbench.sent(
    "the item is reported as shown",
    ({ method }) => method === "textDocument/didShowCompletion",
  );
  assert.equal(shown.params.item.insertText, AREA.slice("def area".length));

  await workbench.page.keyboard.press("Tab");
  await workbench.ghostText().first().waitFor({ state: "detached" });
  assert.equal(await workbench.saved("shapes.py"), AREA);
  const accepted = await workbench.sent("the item's command", ({ params }) => params?.command === "codeassist.accept");
  assert.deepEqual(accepted.params.arguments, shown.params.item.command.arguments);
});

scene("the server gets the settings that the user made, and no defaults", async () => {
  const [initialize] = await workbench.record();
  assert.deepEqual(initialize?.params.initializationOptions, { editor: { max_lines: 5 } });
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
  assert.deepEqual((await workbench.record()).filter(isPartial), [], "typing is no acceptance");

  for (const part of ["(", "width"]) {
    await page.keyboard.press("Control+ArrowRight");
    const { params } = await workbench.sent(`"${part}" is accepted`, (message) => {
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
  assert.match((await item.getAttribute("aria-label")) ?? "", /codeassist/);
  await item.click();
  const menu = page.locator(".quick-input-list .monaco-list-row");
  await menu.filter({ hasText: "Explain the last suggestion" }).click();
  await page.locator('.tab[aria-label*="Last suggestion"]').waitFor();
  await workbench.sent("the explanation is asked for", ({ params }) => params?.command === "codeassist.explain");
});

scene("status is a page, and indexing again is the server's work", async () => {
  await workbench.command("codeassist: Show Status");
  await workbench.page.locator('.tab[aria-label*="Status"]').waitFor();
  await workbench.command("codeassist: Index the Workspace Again");
  await workbench.sent("the index is asked for", ({ params }) => params?.command === "codeassist.reindex");
});

scene("off for a language, off, and back again: settings that the server hears of", async () => {
  await workbench.openFile("shapes.py");
  await workbench.command("codeassist: Toggle Suggestions for This Language");
  await workbench.sent("the language", ({ method, params }) => {
    return (
      method === "workspace/didChangeConfiguration" &&
      params.settings.codeassist.editor?.off_languages?.[0] === "python"
    );
  });
  await workbench.command("codeassist: Toggle Suggestions for This Language");
  await until(
    "the language is on again",
    async () => !("codeassist.editor.offLanguages" in (await workbench.userSettings())),
  );

  await workbench.command("codeassist: Disable Suggestions");
  await workbench.sent("off", ({ method, params }) => {
    return method === "workspace/didChangeConfiguration" && params.settings.codeassist.editor?.mode === "off";
  });
  await workbench.command("codeassist: Enable Automatic Suggestions");
  await until("on", async () => (await workbench.userSettings())["codeassist.editor.mode"] === "automatic");
});

scene("a restarted server is told of the open document and answers again", async () => {
  const starts = async () => (await workbench.record()).filter(({ method }) => method === "initialize").length;
  await workbench.command("codeassist: Restart the Server");
  await until("a second start", async () => (await starts()) === 2);
  await workbench.openFile("shapes.py");
  await workbench.page.keyboard.press("Control+End");
  await workbench.page.keyboard.type(", ");
  await workbench.retypeUntilGhostText(" ");
  await workbench.page.keyboard.press("Tab");
  assert.equal(
    await workbench.saved("shapes.py"),
    `${AREA}\n\ndef perimeter(width, height):\n    return 2 * (width + height)`,
  );
});

/** One step of the story that this file tells: the steps share the workbench. */
function scene(name: string, play: () => Promise<void>): void {
  test(name, async () => {
    try {
      await play();
    } catch (error) {
      await workbench.keepFailure(name);
      throw error;
    }
  });
}

function isPartial({ method }: { method: string }): boolean {
  return method === "textDocument/didPartiallyAcceptCompletion";
}

/** What the editor draws, ghost text included. */
async function ghostLines(): Promise<string> {
  const drawn = await workbench.page.locator(".editor-instance .view-lines").first().textContent();
  return (drawn ?? "").replace(/\u00a0/g, " ");
}
