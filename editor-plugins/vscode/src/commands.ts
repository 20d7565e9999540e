/**
 * The commands of the palette and of the status bar's menu.
 * `server` carries out what the server must.
 */
import {
  ConfigurationTarget,
  commands,
  type Disposable,
  type ExtensionContext,
  type LogOutputChannel,
  ProgressLocation,
  type QuickPickItem,
  window,
  workspace,
} from "vscode";
import { installServer } from "./installServer.ts";
import { server as locate, ownFolder } from "./machine.ts";
import { isOff, setMode, toggle, toggleLanguage } from "./modes.ts";
import type { NextEdits } from "./nextEdit/nextEdits.ts";
import type { Places } from "./nextEdit/places.ts";
import type { Pages } from "./pages.ts";
import { run } from "./processes.ts";
import type { Server } from "./server.ts";
import { statusPage } from "./statusPage.ts";
import { view } from "./statusView.ts";
import type { Walkthrough } from "./walkthrough.ts";

/** What commands work on. */
export interface Parts {
  readonly context: ExtensionContext;
  readonly server: Server;
  readonly pages: Pages;
  readonly log: LogOutputChannel;
  readonly walkthrough: Walkthrough;
  readonly places: Places;
  readonly nextEdits: NextEdits;
}

/** Register every command of the manifest. */
export function registerCommands(parts: Parts): Disposable[] {
  const { context, server, pages, log, walkthrough, places, nextEdits } = parts;
  const all: Record<string, () => unknown> = {
    showMenu: () => showMenu(server),
    suggest: () => commands.executeCommand("editor.action.inlineSuggest.trigger"),
    nextEdit: () => nextEdits.ask(),
    takeNextEdit: () => nextEdits.goOrTake(),
    dismissNextEdit: () => nextEdits.dismiss(),
    listNextEdits: () => places.list(),
    enable: () => setMode("automatic"),
    disable: () => setMode("off"),
    toggle: () => toggle(context.globalState),
    toggleLanguage,
    explainLast: async () => pages.showMarkdown("Last suggestion", markdownOf(await server.ask("codeassist.explain"))),
    showStatus: async () => pages.showMarkdown("Status", statusPage(await server.ask("codeassist.status"))),
    reindexWorkspace: async () => {
      await server.ask("codeassist.reindex");
      window.setStatusBarMessage("codeassist: the workspace is being indexed again", 5000);
    },
    restartServer: () => server.restart(),
    installServer: () => installServer(context, server, log),
    chooseServer: () => chooseServer(),
    pullModel: () => pullModel(parts),
    doctor: () => doctor(parts),
    showLog: () => log.show(),
    openSettings: () => commands.executeCommand("workbench.action.openSettings", `@ext:${context.extension.id}`),
    openWalkthrough: () => walkthrough.open(`${context.extension.id}#start`),
  };
  return Object.entries(all).map(([name, carryOut]) =>
    commands.registerCommand(`codeassist.${name}`, () => reportingFailure(log, carryOut)),
  );
}

/** The request boundary: whatever a command throws is logged and said in one line. */
async function reportingFailure(log: LogOutputChannel, carryOut: () => unknown): Promise<void> {
  try {
    await carryOut();
  } catch (error) {
    log.error(error instanceof Error ? error : String(error));
    const choice = await window.showErrorMessage(
      `codeassist: ${error instanceof Error ? error.message : String(error)}`,
      "Show the Log",
    );
    if (choice) log.show();
  }
}

interface Entry extends QuickPickItem {
  readonly command: string;
  readonly argument?: string;
}

async function showMenu(server: Server): Promise<void> {
  const language = window.activeTextEditor?.document.languageId;
  const runs = server.state.kind === "running";
  const isMissing = server.state.kind === "missing";
  const entries: Entry[] = [
    ...inlineSuggestHint(),
    ...(isMissing ? [entry("cloud-download", "Install the server…", "installServer")] : []),
    entry(isOff() ? "play" : "circle-slash", isOff() ? "Switch suggestions on" : "Switch suggestions off", "toggle"),
    ...(language ? [entry("code", `Switch suggestions for ${language} on or off`, "toggleLanguage")] : []),
    ...(runs ? [entry("question", "Explain the last suggestion", "explainLast")] : []),
    ...(runs ? [entry("edit", "List the next edits", "listNextEdits")] : []),
    ...(runs ? [entry("pulse", "Show status", "showStatus")] : []),
    ...(runs ? [entry("database", "Index the workspace again", "reindexWorkspace")] : []),
    entry("output", "Show the log", "showLog"),
    entry("debug-restart", "Restart the server", "restartServer"),
    entry("checklist", "Look for problems", "doctor"),
    entry("settings-gear", "Open settings", "openSettings"),
  ];
  const { tooltip } = view(server.state, window.activeTextEditor?.document.uri.toString());
  const choice = await window.showQuickPick(entries, { title: "codeassist", placeHolder: tooltip });
  if (choice) await commands.executeCommand(choice.command, ...(choice.argument ? [choice.argument] : []));
}

function entry(icon: string, label: string, command: string): Entry {
  return { label: `$(${icon}) ${label}`, command: `codeassist.${command}` };
}

/** Without this setting of VS Code's nothing is ever shown, and nothing says why. */
function inlineSuggestHint(): Entry[] {
  const setting = "editor.inlineSuggest.enabled";
  if (workspace.getConfiguration().get(setting, true)) return [];
  return [{ label: `$(warning) ${setting} is off`, command: "workbench.action.openSettings", argument: setting }];
}

async function chooseServer(): Promise<void> {
  const [file] = (await window.showOpenDialog({ title: "The codeassist program", canSelectMany: false })) ?? [];
  if (file === undefined) return;
  await workspace.getConfiguration("codeassist.server").update("path", file.fsPath, ConfigurationTarget.Global);
}

async function pullModel({ context, server, log }: Parts): Promise<void> {
  const program = installedProgram(context);
  const folder = await ownFolder(context);
  await window.withProgress(
    { location: ProgressLocation.Notification, title: "Fetching the model for this machine", cancellable: true },
    async (_progress, token) => {
      const { code } = await run({ program, args: ["models", "pull"] }, folder, log, token);
      if (token.isCancellationRequested) return;
      if (code !== 0) throw new Error(`the model could not be fetched (exit code ${code}); the log says why`);
    },
  );
  await server.restart();
}

async function doctor({ context, pages, log }: Parts): Promise<void> {
  const program = installedProgram(context);
  const folder = await ownFolder(context);
  const repository = workspace.workspaceFolders?.find(({ uri }) => uri.scheme === "file")?.uri.fsPath;
  const args = ["doctor", ...(repository === undefined ? [] : [repository])];
  const { out } = await window.withProgress(
    { location: ProgressLocation.Notification, title: "codeassist doctor" },
    () => run({ program, args }, folder, log),
  );
  await pages.showText("Doctor", out);
}

function installedProgram(context: ExtensionContext): string {
  const found = locate(context);
  if (found.kind === "found") return found.program;
  throw new Error(found.kind === "wrong-setting" ? found.message : "the server is not installed yet");
}

function markdownOf(explanation: unknown): string {
  if (typeof explanation === "object" && explanation !== null && "markdown" in explanation) {
    return String(explanation.markdown);
  }
  throw new Error("there is no suggestion to explain yet");
}
