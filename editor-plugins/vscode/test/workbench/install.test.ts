/** The packed extension where there is no server: it says what it would do, does it, and works. */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { after, before } from "node:test";
import { PYTHON, ScriptedProgram } from "./scriptedProgram.ts";
import { scenesOf, Workbench } from "./workbench.ts";

let server: ScriptedProgram;
let workbench: Workbench;
let wheel: string;
const scene = scenesOf(() => workbench);

before(async () => {
  server = await ScriptedProgram.create();
  wheel = await server.wheel();
  workbench = await Workbench.open({
    files: { "shapes.py": "" },
    settings: {},
    machine: { "codeassist.server.python": PYTHON, "codeassist.server.package": wheel },
    environment: { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` }, // no `codeassist` of this machine
  });
});
after(async () => {
  await workbench?.close();
  await server?.remove();
});

scene("it offers to install the server, and says how", async () => {
  const { page } = workbench;
  await workbench.openFile("shapes.py");
  await page.locator(".notification-toast", { hasText: "needs its server" }).getByText("Install…").click();
  const dialog = page.locator(".monaco-dialog-box");
  await dialog.waitFor();
  const said = (await dialog.textContent()) ?? "";
  assert.ok(said.includes(`${PYTHON} -m venv`), said);
  assert.ok(said.includes(`install --upgrade -- ${wheel}`), said);
  assert.deepEqual(await server.record(), [], "nothing has been started yet");
});

scene("agreed to, it installs the server, starts it, and suggests", async () => {
  const { page } = workbench;
  await page.locator(".monaco-dialog-box").getByText("Install", { exact: true }).click();
  await server.sent("the installed server is started", ({ method }) => method === "initialize");
  await workbench.openFile("shapes.py");
  await page.keyboard.type("def area");
  await workbench.retypeUntilGhostText("a");
});
