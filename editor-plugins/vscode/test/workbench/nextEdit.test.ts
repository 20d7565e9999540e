/** The next edit in the real workbench: drawn, gone to, taken, turned down; and Tab that indents where there is none. */
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { ScriptedProgram } from "./scriptedProgram.ts";
import { scenesOf, until, Workbench } from "./workbench.ts";

const FAR = "x = 1\n".repeat(80);
const FILES = {
  "calls.py": "old(1)\nz = old(2)  # é\nlast\n",
  "far.py": `old(3)\n${FAR}old(4)\n`,
  "other.py": "x = 1\nold(5)\nold(6)  # twice\n",
};
let server: ScriptedProgram;
let workbench: Workbench;
const scene = scenesOf(() => workbench);

before(async () => {
  server = await ScriptedProgram.create();
  workbench = await Workbench.open({ files: FILES, settings: {}, machine: { "codeassist.server.path": server.path } });
});
after(async () => {
  await workbench?.close();
  await server?.remove();
});

/** What decorations add to the lines, as it is drawn: the contents of the editor's pseudo-elements. */
async function drawn(): Promise<string> {
  const lines = workbench.page.locator(".editor-instance .view-lines .view-line span");
  const texts = await lines.evaluateAll((elements) =>
    elements.map((element) => {
      // biome-ignore lint/suspicious/noExplicitAny: the browser's own
      const content = (globalThis as any).getComputedStyle(element, "::after").content as string;
      return content === "none" || content === "normal" ? "" : content;
    }),
  );
  return texts.join(" ").replace(/\u00a0/g, " ");
}

async function wait(what: string): Promise<void> {
  await until(`"${what}" is drawn`, async () => (await drawn()).includes(what));
}

async function rename(): Promise<void> {
  const { keyboard } = workbench.page;
  await keyboard.press("Control+Home");
  for (let key = 0; key < 3; key++) await keyboard.press("Delete");
  await keyboard.type("new");
}

scene("an edit in sight is drawn in place, and Tab takes it without a jump", async () => {
  await workbench.openFile("calls.py");
  // The extension is activated seconds after the page is up.
  await workbench.page.locator('.statusbar-item[aria-label*="Loading the script"]').waitFor({ timeout: 300_000 });
  await rename();
  await wait("Tab: take");
  assert.match(await drawn(), /new.*Tab: take · `old` is `new` now/);
  const shown = await server.sent("it is shown", ({ method }) => method === "textDocument/didShowInlineEdit");
  assert.deepEqual(shown.params.item.old, ["z = old(2)  # é"]);
  await workbench.keepPicture("next-edit-vscode");
  await workbench.page.keyboard.press("Tab");
  await server.sent("it is accepted", ({ params }) => params?.command === "codeassist.acceptEdit");
  await until("nothing is drawn", async () => !(await drawn()).includes("Tab"));
  await workbench.page.keyboard.type("!"); // where the cursor stayed
  assert.equal(await workbench.saved("calls.py"), "new!(1)\nz = new(2)  # é\nlast\n");
});

scene("one undo step", async () => {
  await workbench.page.keyboard.press("Control+Z");
  await workbench.page.keyboard.press("Control+Z");
  assert.equal(await workbench.saved("calls.py"), "new(1)\nz = old(2)  # é\nlast\n");
});

scene("far away Tab goes, and Tab again takes", async () => {
  await workbench.openFile("far.py");
  await rename();
  await wait("Tab: go to line 82");
  const before = await server.record();
  assert.ok(!before.some(({ method }) => method === "codeassist/didJumpToEdit"), "no jump that nobody asked for");
  await workbench.page.keyboard.press("Tab");
  await wait("Tab: take");
  await server.sent("it is gone to", ({ method }) => method === "codeassist/didJumpToEdit");
  await workbench.page.keyboard.press("Tab");
  await until("it is taken", async () => !(await drawn()).includes("Tab: take"));
  assert.equal(await workbench.saved("far.py"), `new(3)\n${FAR}new(4)\n`);
});

scene("more places in other files are counted, and each is looked at before it is taken", async () => {
  const item = workbench.page.locator(".statusbar-item", { hasText: "more place" });
  await item.waitFor();
  await item.click();
  const row = (text: string) => workbench.page.locator(".quick-input-list .monaco-list-row", { hasText: text });
  await row("other.py:2").waitFor();
  await row("other.py:2").hover();
  await workbench.page.locator(".quick-input-widget input").first().fill("new(5)");
  await workbench.page.locator('.tab.active[aria-label*="other.py"]').waitFor();
  await wait("Tab: take");
  await workbench.page.keyboard.press("Enter");
  await until("it is taken", async () => (await workbench.drawnLines())[1] === "new(5)");
  await workbench.page.locator(".quick-input-widget input").first().fill("Take all");
  await workbench.page.keyboard.press("Enter");
  await until("all are taken", async () => (await workbench.drawnLines())[3] === "new(6)  # twice");
  assert.equal((await workbench.drawnLines())[2], "new(6)  # twice");
});

scene("Escape turns it down for good, and Tab indents where nothing is shown", async () => {
  const { keyboard } = workbench.page;
  await workbench.openFile("calls.py");
  await keyboard.press("Control+End");
  await keyboard.type("old(7)\nlast");
  await wait("Tab: take");
  await keyboard.press("Escape");
  await until("nothing is drawn", async () => !(await drawn()).includes("Tab"));
  await server.sent("it is dismissed", ({ params }) => params?.command === "codeassist.dismissEdit");
  await keyboard.press("Home");
  await keyboard.press("Tab");
  assert.match(await workbench.saved("calls.py"), /old\(7\)\n {4}last$/);
  await workbench.command("codeassist: Show the Next Edit Here");
  await workbench.page.locator(".statusbar-item", { hasText: "nothing seems to be missing" }).waitFor();
});
