/**
 * Plays a scene in the real workbench, with the real server and a real model, and keeps a picture of each step: keys at
 * a typist's pace, suggestions after the time that they took. tools/moving_picture.py makes one picture of them.
 * Usage: node record.ts MODEL.gguf FOLDER, in the environment of `make moving-picture`.
 */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { INVENTORY, REPORT } from "../test/workbench/shop.ts";
import { required, Workbench } from "../test/workbench/workbench.ts";

const [model = "", folder = ""] = process.argv.slice(2);
const program = join(dirname(required("CODEASSIST_PYTHON")), "codeassist");
const home = join(dirname(required("CODEASSIST_VSIX")), "../model-home"); // kept: it holds the converted weights
const KEY_MS = 85;
const FIRST_ANSWER_MS = 600_000;

interface Step {
  readonly file: string;
  readonly ms: number;
}
const steps: Step[] = [];
let lastKeyMs = 0;

const name = basename(model).split(/[\d-]/)[0] ?? "";
await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
await mkdir(home, { recursive: true });
await writeFile(
  join(home, "config.toml"),
  `[model]\nname = "${name}"\n[models.${name}]\ngguf = ${JSON.stringify(model)}\n`,
);
// What the make target sets is no setting of the program's.
for (const variable of Object.keys(process.env).filter((each) => each.startsWith("CODEASSIST_"))) {
  delete process.env[variable];
}
const workbench = await Workbench.open({
  files: { "report.py": REPORT, "inventory.py": INVENTORY, ".git/HEAD": "ref: refs/heads/main\n" },
  settings: {
    "workbench.colorTheme": "Default Dark Modern",
    "workbench.activityBar.location": "hidden",
    "workbench.layoutControl.enabled": false,
    "window.menuBarVisibility": "hidden",
    "breadcrumbs.enabled": false,
    "editor.minimap.enabled": false,
    "editor.cursorBlinking": "solid",
    "editor.occurrencesHighlight": "off",
    "editor.scrollbar.vertical": "hidden",
    "editor.scrollbar.horizontal": "hidden",
    "editor.fontSize": 14,
    "editor.folding": false,
    "editor.glyphMargin": false,
    "editor.lineNumbersMinChars": 3,
    "markdown.preview.fontSize": 10,
  },
  machine: { "codeassist.server.path": program },
  environment: { CODEASSIST_HOME: home },
});
const { page } = workbench;
try {
  await page.setViewportSize({ width: 1200, height: 440 });
  await workbench.openFile("report.py");
  await page.keyboard.press("Control+B"); // no side bar: both files are to be seen
  await workbench.command("View: Split Editor Right");
  await workbench.openFile("inventory.py"); // on the right; the keyboard goes to the left
  await page.keyboard.press("Control+End");
  await warmUp();
  await keep(900);

  await type("    return sum(item.");
  await suggestion();
  await accept();

  await page.keyboard.press("End"); // behind the bracket that the editor has closed
  for (let line = 0; line < 3; line += 1) await page.keyboard.press("Enter");
  await page.keyboard.press("Shift+Home");
  await page.keyboard.press("Delete");
  await keep(500);
  await type("def most_expensive(items: list[Item]) -> Item:");
  await page.keyboard.press("Enter");
  await keep(KEY_MS);
  await type("return max(items, key=lambda item: item.");
  await suggestion();
  await command("codeassist: Explain the Last Suggestion");
  await workbench.previewShows("inventory.py");
  await pause(1_000); // the preview lays itself out
  await keep(4_500);
  await writeFile(join(folder, "steps.json"), JSON.stringify(steps));
} catch (error) {
  await workbench.keepFailure("recording");
  throw error;
} finally {
  await workbench.close();
}

/** Keep what the screen shows, for so long. */
async function keep(ms: number): Promise<void> {
  const file = `${String(steps.length).padStart(4, "0")}.png`;
  await page.screenshot({ path: join(folder, file) });
  steps.push({ file, ms: Math.round(ms) });
}

/** The server starts, the model is loaded and reads both files: nobody watches that. */
async function warmUp(): Promise<void> {
  await page.keyboard.type("    return sum(item.");
  await workbench.retypeUntilGhostText(".", FIRST_ANSWER_MS);
  await page.keyboard.press("Escape");
  await page.keyboard.press("End");
  for (const key of ["Shift+Home", "Shift+Home", "Delete"]) await page.keyboard.press(key);
  await pause(8_000); // the index, and what static analysis loads for the first question
}

async function type(text: string): Promise<void> {
  for (const character of text) {
    lastKeyMs = performance.now();
    await page.keyboard.type(character);
    await keep(KEY_MS);
  }
}

/** Wait for ghost text, and show for as long as it took since the last key what stood there before. */
async function suggestion(): Promise<void> {
  await page.locator('[class*="ghost-text"]:visible').first().waitFor();
  const last = steps.at(-1);
  if (last !== undefined) steps[steps.length - 1] = { ...last, ms: Math.round(performance.now() - lastKeyMs) };
  await pause(300);
  await keep(1_800);
}

/** As Workbench's, but the cursor stays where it is: who clicks is offered something else. */
async function command(title: string): Promise<void> {
  await page.keyboard.press("F1");
  await page.locator(".quick-input-widget input").first().fill(`>${title}`);
  await page.locator(".quick-input-list .monaco-list-row", { hasText: title }).first().click();
}

async function accept(): Promise<void> {
  await page.keyboard.press("Tab");
  await page.locator('[class*="ghost-text"]:visible').first().waitFor({ state: "hidden" });
  await keep(1_200);
}
