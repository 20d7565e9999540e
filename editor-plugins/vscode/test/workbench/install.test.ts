/** The packed extension where there is no server: it asks what to install, says what it would do, does it, and works. */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { after, before } from "node:test";
import { PYTHON, ScriptedProgram } from "./scriptedProgram.ts";
import { scenesOf, until, Workbench } from "./workbench.ts";

/** A virtual environment and pip's work in it take more than a minute on two busy cores. */
const INSTALLED_MS = 300_000;

let server: ScriptedProgram;
let workbench: Workbench;
let wheel: string;
const scene = scenesOf(() => workbench);

before(async () => {
  server = await ScriptedProgram.create();
  wheel = await server.wheel();
  workbench = await Workbench.open({
    files: { "shapes.py": "" },
    // What a workspace says of these does not count: it would have the extension start and install what it likes.
    workspaceSettings: {
      "codeassist.server.python": "/planted/python",
      "codeassist.server.package": "codeassist-live",
      "codeassist.server.index": "https://planted.example/simple/",
      "codeassist.server.path": "/planted/codeassist",
    },
    settings: {},
    // Where the wheel's dependencies come from, of which it has none: PyTorch's index is not asked then.
    machine: { "codeassist.server.python": PYTHON, "codeassist.server.pipArguments": ["--no-index"] },
    environment: { PATH: dirname(process.execPath) }, // no `codeassist` of this machine, and no GPU's driver
  });
});
after(async () => {
  await workbench?.close();
  await server?.remove();
});

scene("it offers to install the server, and asks what from: there is no name by default", async () => {
  const { page } = workbench;
  await workbench.openFile("shapes.py");
  await page.locator(".notification-toast", { hasText: "needs its server" }).getByText("Install…").click();
  const picker = page.locator(".quick-input-widget");
  await picker.getByText("A package index of your own…").waitFor();
  const placeholder = await picker.locator("input").first().getAttribute("placeholder");
  assert.match(placeholder ?? "", /on no public package index/);
  assert.doesNotMatch((await picker.textContent()) ?? "", /codeassist-live/);
});

scene("an index is asked by https only, and nothing is done before the user agrees", async () => {
  const { page } = workbench;
  const picker = page.locator(".quick-input-widget");
  await picker.getByText("A package index of your own…").click();
  const input = picker.locator("input").first();
  await picker.getByText("https address").waitFor();
  await input.fill("http://packages.example.com/simple/");
  await picker.getByText("is no https address").waitFor();
  await input.fill("https://packages.example.com/simple/");
  await page.keyboard.press("Enter");
  await picker.getByText("The package's name in that index").waitFor();
  await input.fill("codeassist-live==9.9");
  await page.keyboard.press("Enter");
  const dialog = page.locator(".monaco-dialog-box");
  await dialog.waitFor();
  const said = (await dialog.textContent()) ?? "";
  assert.ok(said.includes("--index-url https://download.pytorch.org/whl/cpu -- torch>="), said);
  const command =
    "--isolated install --upgrade --index-url https://packages.example.com/simple/ -- codeassist-live==9.9";
  assert.ok(said.includes(command), said);
  assert.match(said, /from no other/);
  await dialog.getByText("PyTorch from My Index Too").click();
  await dialog.getByText("PyTorch comes from this index, too.").waitFor();
  assert.doesNotMatch((await dialog.textContent()) ?? "", /download\.pytorch\.org/);
  await dialog.getByText("Cancel", { exact: true }).click();
  await dialog.waitFor({ state: "hidden" });
});

scene("a wheel is picked from the disk, and it says how it would be installed", async () => {
  const { page } = workbench;
  await workbench.command("codeassist: Install or Update the Server");
  const picker = page.locator(".quick-input-widget");
  await picker.getByText("A wheel…").click();
  await picker.getByText("A wheel of codeassist").waitFor();
  const input = picker.locator("input").first();
  const dialog = page.locator(".monaco-dialog-box");
  await until("the wheel is picked", async () => {
    if ((await input.inputValue()) !== wheel) {
      await input.fill(""); // while it opens, the dialog puts its folder there, more than once
      await input.pressSequentially(wheel, { delay: 5 });
    }
    const shown = await picker.locator(".monaco-list-row").allTextContents();
    const hasLooked = shown.some((row) => row.includes("codeassist_live"));
    if (!hasLooked || (await input.inputValue()) !== wheel) return false;
    await picker.getByText("OK", { exact: true }).click();
    return await dialog.waitFor({ timeout: 5_000 }).then(
      () => true,
      () => false, // it put its folder there once more: OK opened that
    );
  });
  const said = (await dialog.textContent()) ?? "";
  assert.ok(said.includes(`${PYTHON} -I -m venv`), said);
  assert.ok(said.includes(`install --upgrade --no-index -- ${wheel}`), said);
  assert.deepEqual(await server.record(), [], "nothing has been started yet");
});

scene("agreed to, it installs the server, starts it, and suggests", async () => {
  const { page } = workbench;
  await page.locator(".monaco-dialog-box").getByText("Install", { exact: true }).click();
  await server.sent("the installed server is started", ({ method }) => method === "initialize", INSTALLED_MS);
  await workbench.openFile("shapes.py");
  await page.keyboard.type("def area");
  await workbench.retypeUntilGhostText("a");
});
