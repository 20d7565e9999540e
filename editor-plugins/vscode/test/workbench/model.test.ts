/** The packed extension where the model is not installed: it is fetched by a button, chosen from a list, found in the settings. */
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { ScriptedProgram } from "./scriptedProgram.ts";
import { scenesOf, until, Workbench } from "./workbench.ts";

let server: ScriptedProgram;
let workbench: Workbench;
const scene = scenesOf(() => workbench);

before(async () => {
  server = await ScriptedProgram.create();
  await server.lack("big-coder");
  workbench = await Workbench.open({
    files: { "shapes.py": "" },
    settings: {},
    machine: { "codeassist.server.path": server.path },
  });
});
after(async () => {
  await workbench?.close();
  await server?.remove();
});

scene("a model that is not installed is said once, with a button; the menu has the same", async () => {
  const { page } = workbench;
  await workbench.openFile("shapes.py");
  const told = page.locator(".notification-toast", { hasText: "The model big-coder is not installed" });
  await told.getByText("Fetch big-coder").waitFor();
  assert.doesNotMatch(await told.innerText(), /models pull/, "the button does what the command line does");
  assert.equal(await told.count(), 1);
  await page.locator(".statusbar-item", { hasText: "codeassist" }).click();
  await workbench.choices().filter({ hasText: "Fetch big-coder" }).waitFor();
  await workbench.choices().filter({ hasText: "big-coder, which is not installed" }).waitFor();
  await page.keyboard.press("Escape");
});

scene("a step of the walkthrough is done when it succeeded, not when its button was pressed", async () => {
  await workbench.command("codeassist: Open the Walkthrough");
  await workbench.walkthroughStep("Install the server").locator(".complete").first().waitFor();
  for (const title of ["Fetch a model", "Ask why"])
    assert.equal(await workbench.walkthroughStep(title).locator(".complete").count(), 0);
});

scene("the button fetches that model, and the server goes on with it", async () => {
  const { page } = workbench;
  await page.locator(".notification-toast").getByText("Fetch big-coder").click();
  const pulled = await server.sent("it is fetched", ({ method }) => method === "pull");
  assert.equal(pulled.params, "big-coder");
  await workbench.openFile("shapes.py");
  await page.keyboard.type("def area");
  await workbench.retypeUntilGhostText("a");
  await workbench.command("codeassist: Open the Walkthrough");
  await workbench.walkthroughStep("Fetch a model").locator(".complete").first().waitFor();
});

scene("models are chosen from those that there are", async () => {
  await workbench.openFile("shapes.py");
  await workbench.command("codeassist: Choose the Model");
  const rows = workbench.choices();
  await rows.filter({ hasText: "not installed, 1.6 GB to fetch · fits this machine · MIT" }).waitFor();
  await rows.filter({ hasText: "A file or folder of your own" }).waitFor();
  await rows.filter({ hasText: "small-coder" }).click();
  await server.sent("the server hears of it", ({ method, params }) => {
    return method === "workspace/didChangeConfiguration" && params.settings.codeassist.model?.name === "small-coder";
  });
  await until("it is a setting of this machine", async () => {
    return (await workbench.settingsOf("Machine"))?.["codeassist.model.name"] === "small-coder";
  });
});

scene("the settings of the model are found on a remote workspace", async () => {
  await workbench.command("codeassist: Open the Settings of Model and Server");
  await workbench.page.locator(".settings-editor .setting-item-title", { hasText: "Model: Name" }).first().waitFor();
});
