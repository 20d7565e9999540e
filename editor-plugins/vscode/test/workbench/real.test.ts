/** The packed extension with the real `codeassist serve` and a real model: what a user sees. Its pictures are kept in build/vscode/images. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { PYTHON } from "./scriptedProgram.ts";
import { INVENTORY, REPORT } from "./shop.ts";
import { required, scenesOf, Workbench } from "./workbench.ts";

const MODELS = process.env["CODEASSIST_TEST_MODELS"] ?? join(homedir(), ".cache/codeassist-models");
const MODEL = ["qwen2.5-coder-0.5b-instruct-q4_k_m.gguf", "smollm2-135m-instruct-q4_1.gguf"]
  .map((name) => join(MODELS, name))
  .find((file) => existsSync(file));
/** The first run converts the model's weights, which takes a minute on two busy cores; later ones find them. */
const FIRST_ANSWER_MS = 300_000;

const TYPED = "    return sum(item.";

if (MODEL === undefined) test.skip(`the real model: none of the small ones is in ${MODELS} (CODEASSIST_TEST_MODELS)`);
else tellTheStory(MODEL);

function tellTheStory(model: string): void {
  let workbench: Workbench;
  const name = basename(model).split(/[\d-]/)[0] ?? "";
  const build = dirname(required("CODEASSIST_VSIX"));
  const scene = scenesOf(() => workbench);

  before(async () => {
    const home = join(build, "../model-home"); // kept: it holds the converted weights
    await mkdir(home, { recursive: true });
    await writeFile(
      join(home, "config.toml"),
      `[model]\nname = "${name}"\n[models.${name}]\ngguf = ${JSON.stringify(model)}\n`,
    );
    workbench = await Workbench.open({
      files: { "report.py": REPORT, "inventory.py": INVENTORY, ".git/HEAD": "ref: refs/heads/main\n" },
      settings: {
        "workbench.colorTheme": "Default Dark Modern",
        "breadcrumbs.enabled": false,
        "editor.minimap.enabled": false,
        "markdown.preview.fontSize": 12,
        // What is shown must not depend on how busy the machine is.
        "codeassist.context.deadlineMs": 10_000,
        "codeassist.editor.patienceMs": "unlimited",
      },
      machine: { "codeassist.server.path": join(dirname(PYTHON), "codeassist") },
      environment: { CODEASSIST_HOME: home },
    });
  });
  after(() => workbench?.close());

  scene("the model's ghost text is what Tab writes", async () => {
    const { page } = workbench;
    await workbench.openFile("report.py");
    await page.keyboard.press("Control+B"); // no side bar: both files are to be seen
    await workbench.command("View: Split Editor Right");
    await workbench.openFile("inventory.py"); // on the right; the keyboard goes to the left
    await page.keyboard.press("Control+End");
    await page.keyboard.type(TYPED);
    await workbench.retypeUntilGhostText(".", FIRST_ANSWER_MS);
    const drawn = (await workbench.drawnLines())[REPORT.split("\n").length - 1] ?? "";
    assert.ok(drawn.startsWith(TYPED) && drawn.length > TYPED.length, drawn);
    await workbench.keepPicture("vscode");

    await page.keyboard.press("Tab");
    const saved = await workbench.saved("report.py");
    assert.ok(saved.startsWith(REPORT + TYPED), saved);
    assert.equal(saved.split("\n")[REPORT.split("\n").length - 1], drawn);
  });

  scene("the explanation names the code of the other file", async () => {
    await workbench.command("codeassist: Explain the Last Suggestion");
    await workbench.previewShows("inventory.py");
    await workbench.keepPicture("vscode-explain");
  });

  scene("the status names the model", async () => {
    await workbench.command("codeassist: Show Status");
    await workbench.previewShows(name);
  });
}
