/** The packed extension with `codeassist.server.shared`: two windows, and one real `codeassist serve --shared` behind both. The model is tiny. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before } from "node:test";
import { promisify } from "node:util";
import { PYTHON } from "./scriptedProgram.ts";
import { ordinaryEnvironment, scenesOf, until, Workbench } from "./workbench.ts";

const SOURCES = join(import.meta.dirname, "../../../..");
const PROGRAM = join(dirname(PYTHON), "codeassist");
const MAKE_MODEL = `
import sys
from pathlib import Path
from tests.tiny_models import build_model, save_gguf, write_letters_only
model = write_letters_only(build_model("qwen2", max_position_embeddings=1024), "qwen2")
save_gguf(Path(sys.argv[1]), "qwen2", model)
`;
// A random model is sure of nothing, and says what nobody may be shown: this one writes letters.
const CONFIG = `
[model]
name = "tiny"
threads = 1
context_tokens = 512
[completion]
max_new_tokens = 8
[editor]
min_confidence = 0.0
debounce_ms = 0
[models.tiny]
gguf = `;
const TEXT = "from shapes import area\n\n\ndef show(points):\n";
const TYPED = "    shapes.";

interface Server {
  readonly pid: number;
  readonly shared: unknown;
  readonly editors: readonly { readonly pid: number }[];
}

let home: string;
let workbench: Workbench;
const scene = scenesOf(() => workbench);

before(async () => {
  home = await mkdtemp(join(tmpdir(), "codeassist-shared-"));
  const model = join(home, "tiny.gguf");
  await promisify(execFile)(PYTHON, ["-c", MAKE_MODEL, model], { cwd: SOURCES });
  await writeFile(join(home, "config.toml"), CONFIG + JSON.stringify(model));
  workbench = await Workbench.open({
    files: {
      "one.py": TEXT,
      "two.py": TEXT,
      "shapes.py": "def area(points):\n    return sum(points)\n",
      ".git/HEAD": "",
    },
    settings: {},
    machine: { "codeassist.server.path": PROGRAM, "codeassist.server.shared": true },
    environment: { CODEASSIST_HOME: home },
    options: ["--reconnection-grace-time", "1"],
  });
});
after(async () => {
  await workbench?.close();
  await program("stop");
  await rm(home, { recursive: true, force: true, maxRetries: 20 });
});

scene("a window of a shared server shows ghost text, and Tab writes it", async () => {
  await workbench.openFile("one.py");
  await write(workbench);
  await workbench.page.keyboard.press("Tab");
  const line = (await workbench.saved("one.py")).split("\n")[TEXT.split("\n").length - 1] ?? "";
  assert.ok(line.startsWith(TYPED) && line.length > TYPED.length, line);
});

scene("a second window has the same server, until it is closed", async () => {
  const [server] = await servers();
  assert.ok(server?.shared, JSON.stringify(server));
  const other = await workbench.secondWindow();
  await other.openFile("two.py");
  await write(other);
  const both = await until("the server knows both windows", async () => {
    const found = await servers();
    return found[0]?.editors.length === 2 && found;
  });
  assert.deepEqual(
    both.map((each) => each.pid),
    [server.pid],
  );
  await other.closeWindow();
  const left = await until("the server forgets the window that is closed", async () => {
    const found = await servers();
    return found[0]?.editors.length === 1 && found;
  });
  assert.deepEqual(
    left.map((each) => each.pid),
    [server.pid],
  );
});

async function write(window: Workbench): Promise<void> {
  await window.page.keyboard.press("Control+End");
  await window.page.keyboard.type(TYPED);
  await window.retypeUntilGhostText(".", 300_000);
}

async function servers(): Promise<Server[]> {
  return JSON.parse(await program("status", "--json")).servers;
}

async function program(...args: string[]): Promise<string> {
  const env = { ...ordinaryEnvironment(), CODEASSIST_HOME: home };
  return (await promisify(execFile)(PROGRAM, args, { env })).stdout;
}
