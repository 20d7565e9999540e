/**
 * The real workbench: code-server with the packed extension, in a real browser.
 * It opens a folder and drives keyboard and mouse.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { type Browser, chromium, type Locator, type Page } from "playwright-core";

const VSIX = required("CODEASSIST_VSIX");
const CODE_SERVER = required("CODEASSIST_CODE_SERVER");
const CHROMIUM = required("CODEASSIST_CHROMIUM");
const DEADLINE_MS = 60_000;

export interface Setup {
  /** The user's settings.json. */
  readonly settings: Record<string, unknown>;
  /** Files of the folder that is opened: path → text. */
  readonly files: Readonly<Record<string, string>>;
  /** The folder's own .vscode/settings.json, as a repository may bring it. */
  readonly workspaceSettings?: Readonly<Record<string, unknown>>;
  /** The settings of the machine that code-server runs on. The browser is another one to VS Code. */
  readonly machine: Readonly<Record<string, unknown>>;
  readonly environment?: Readonly<Record<string, string>>;
  /** Options of code-server. It keeps what a closed window ran for three hours, in case that comes back. */
  readonly options?: readonly string[];
}

export class Workbench {
  readonly page: Page;
  readonly folder: string;
  private readonly root: string;
  private readonly browser: Browser;
  private readonly process: ChildProcess;

  private constructor(root: string, browser: Browser, page: Page, process: ChildProcess) {
    this.root = root;
    this.folder = join(root, "folder");
    this.browser = browser;
    this.page = page;
    this.process = process;
  }

  /** Everything is fresh: VS Code restores unsaved buffers otherwise. */
  static async open(setup: Setup): Promise<Workbench> {
    const root = await mkdtemp(join(tmpdir(), "codeassist-workbench-"));
    for (const [path, text] of Object.entries(setup.files)) await write(join(root, "folder", path), text);
    if (setup.workspaceSettings !== undefined)
      await write(join(root, "folder", ".vscode", "settings.json"), JSON.stringify(setup.workspaceSettings));
    await write(join(root, "user", "User", "settings.json"), JSON.stringify({ ...CALM, ...setup.settings }));
    await write(join(root, "user", "Machine", "settings.json"), JSON.stringify(setup.machine));
    await write(join(root, "config.yaml"), "");
    const environment = {
      ...ordinaryEnvironment(),
      HOME: root,
      XDG_CONFIG_HOME: root,
      XDG_DATA_HOME: root,
      ...setup.environment,
    };
    const places = [
      "--config",
      join(root, "config.yaml"),
      "--user-data-dir",
      join(root, "user"),
      "--extensions-dir",
      join(root, "extensions"),
    ];
    await promisify(execFile)(process.execPath, [CODE_SERVER, ...places, "--install-extension", VSIX], {
      env: environment,
    });
    const port = await freePort();
    const address = ["--bind-addr", `127.0.0.1:${port}`];
    const options = [...places, ...address, ...QUIET, ...(setup.options ?? [])];
    const child = spawn(process.execPath, [CODE_SERVER, ...options], {
      env: environment,
      stdio: "ignore",
      detached: true, // a group of its own, to be ended with all that it started
    });
    await until(
      "code-server is up",
      async () => (await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => null))?.ok,
    );
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
    const page = await browser.newPage({ viewport: { width: 1200, height: 640 } });
    page.setDefaultTimeout(DEADLINE_MS);
    await page.goto(`http://127.0.0.1:${port}/?folder=${join(root, "folder")}`);
    await page.locator(".monaco-workbench .statusbar").waitFor();
    return new Workbench(root, browser, page, child);
  }

  /** Another window on the same folder, with an extension host of its own. It closes with this one. */
  async secondWindow(): Promise<Workbench> {
    const page = await this.browser.newPage({ viewport: { width: 1200, height: 640 } });
    page.setDefaultTimeout(DEADLINE_MS);
    await page.goto(this.page.url());
    await page.locator(".monaco-workbench .statusbar").waitFor();
    return new Workbench(this.root, this.browser, page, this.process);
  }

  /** Close this window alone. */
  async closeWindow(): Promise<void> {
    await this.page.close();
  }

  async close(): Promise<void> {
    await this.browser.close();
    const ended = once(this.process, "exit");
    if (this.process.pid !== undefined) process.kill(-this.process.pid, "SIGTERM");
    await ended;
    await rm(this.root, { recursive: true, force: true, maxRetries: 20 });
  }

  /** Keep what the screen shows when a test failed, beside the extension's package. */
  async keepFailure(name: string): Promise<void> {
    console.log(`the screen: ${await this.keepPicture(`failures/${name.replace(/\W+/g, "-")}`)}`);
  }

  /** Keep what the screen shows beside the extension's package: whoever wants a new picture in the documentation copies it. */
  async keepPicture(name: string): Promise<string> {
    const path = join(dirname(VSIX), "images", `${name}.png`);
    await this.page.screenshot({ path });
    return path;
  }

  /** Open a file by its name, as a user would. */
  async openFile(name: string): Promise<void> {
    await this.page.keyboard.press("Control+P");
    await this.page.locator(".quick-input-widget input").first().fill(name);
    await this.page.locator(".quick-input-list .monaco-list-row", { hasText: name }).first().click();
    await this.page.locator(`.tab.active[aria-label*="${name}"]`).waitFor();
    await this.page.locator(".editor-instance .monaco-editor .view-lines").first().click();
  }

  /** Run a command by its title in the palette. */
  async command(title: string): Promise<void> {
    // A preview keeps the keyboard to itself.
    await this.page.locator(".editor-instance .monaco-editor .view-lines").first().click();
    await this.page.keyboard.press("F1");
    const input = this.page.locator(".quick-input-widget input").first();
    await input.fill(`>${title}`);
    await this.page.locator(".quick-input-list .monaco-list-row", { hasText: title }).first().click();
    // The palette goes; the command may show an input of its own.
    const palette = this.page.locator('.quick-input-widget input[placeholder^="Type the name of a command"]');
    await palette.waitFor({ state: "hidden" });
  }

  /** The rows of the list that asks, of the palette or of a command. */
  choices(): Locator {
    return this.page.locator(".quick-input-list .monaco-list-row");
  }

  /** A step of the walkthrough that is open. */
  walkthroughStep(title: string): Locator {
    return this.page.locator(".getting-started-step", { hasText: title });
  }

  ghostText(): Locator {
    return this.page.locator('[class*="ghost-text"]');
  }

  /** Type the last character anew until ghost text is there: the extension is activated seconds after the page is up. */
  async retypeUntilGhostText(character: string, deadlineMs = DEADLINE_MS): Promise<void> {
    const ghostTextAppears = async () => {
      await this.page.keyboard.press("Backspace");
      await this.page.keyboard.type(character);
      return await this.ghostText()
        .first()
        .waitFor({ timeout: deadlineMs / 12 }) // typing anew cancels what is being answered
        .then(
          () => true,
          () => false,
        );
    };
    await until("ghost text appears", ghostTextAppears, deadlineMs);
  }

  /** Lines as the editor draws them, ghost text included. */
  async drawnLines(): Promise<string[]> {
    const lines = this.page.locator(".editor-instance .view-lines").first().locator(".view-line");
    const drawn = await lines.evaluateAll((elements) =>
      elements
        .map((element) => ({ top: Number.parseFloat(element.style.top), text: element.textContent ?? "" }))
        .sort((one, other) => one.top - other.top)
        .map(({ text }) => text),
    );
    return drawn.map((text) => text.replace(/\u00a0/g, " "));
  }

  /** Whether a preview shows this text. */
  async previewShows(text: string): Promise<void> {
    await until(`a preview shows "${text}"`, async () => {
      for (const frame of this.page.frames()) {
        const shown = await frame
          .locator("body")
          .textContent({ timeout: 1_000 })
          .catch(() => null);
        if (frame !== this.page.mainFrame() && shown?.includes(text)) return true;
      }
      return false;
    });
  }

  async saved(name: string): Promise<string> {
    await this.page.keyboard.press("Control+S");
    await this.page.locator(".tab.active.dirty").waitFor({ state: "detached" });
    return await readFile(join(this.folder, name), "utf8");
  }

  /** The settings.json of the user, or of the machine; nothing while VS Code is writing it. */
  async settingsOf(whose: "User" | "Machine"): Promise<Record<string, unknown> | undefined> {
    const text = await readFile(join(this.root, "user", whose, "settings.json"), "utf8");
    return text.trimEnd().endsWith("}") ? JSON.parse(text) : undefined;
  }
}

/** Nothing of VS Code's own that covers the editor or types by itself. */
const CALM = {
  "chat.disableAIFeatures": true,
  "editor.quickSuggestions": { other: "off", comments: "off", strings: "off" },
  "editor.parameterHints.enabled": false,
  "files.autoSave": "off", // the browser's default is to save a second after each change
  "extensions.ignoreRecommendations": true,
  "git.enabled": false,
  "window.commandCenter": false,
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
};

const QUIET = [
  "--auth=none",
  "--disable-telemetry",
  "--disable-update-check",
  "--disable-workspace-trust",
  "--disable-getting-started-override",
];

/** Tests that are steps of one story: they share a workbench, and what it shows when one fails is kept. */
export function scenesOf(workbench: () => Workbench): (name: string, play: () => Promise<void>) => void {
  return (name, play) => {
    test(name, async () => {
      try {
        await play();
      } catch (error) {
        await workbench().keepFailure(name);
        throw error;
      }
    });
  };
}

/** Ask again until the answer is something, or fail when the deadline is over. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | null | false>,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const found = await ask();
    if (found) return found;
    if (Date.now() > end) throw new Error(`${what}: not within ${deadlineMs / 1000} s`);
    await pause(100);
  }
}

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  listener.close();
  await once(listener, "close");
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}

/** The variables of this process but ours: codeassist takes those of these tests for misspelt settings, and says so. */
export function ordinaryEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("CODEASSIST_")));
}

/** A variable that the make target sets. */
export function required(variable: string): string {
  const value = process.env[variable];
  if (!value) throw new Error(`${variable} is not set: run this by \`make test-vscode\``);
  return value;
}
