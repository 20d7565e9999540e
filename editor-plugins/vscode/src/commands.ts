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
import { openDocs } from "./documentation.ts";
import { installServer } from "./installServer.ts";
import { installedProgram, ownFolder } from "./machine.ts";
import { type MenuEntry, menuEntries } from "./menu.ts";
import { chooseModel, pullModel } from "./model.ts";
import { chooseMode, setMode, toggle, toggleLanguage } from "./modes.ts";
import type { NextEdits } from "./nextEdit/nextEdits.ts";
import type { Places } from "./nextEdit/places.ts";
import { openMachineSettings, openSettings } from "./openSettings.ts";
import type { Pages } from "./pages.ts";
import { run } from "./processes.ts";
import type { Server } from "./server.ts";
import { situation } from "./situation.ts";
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
    nextSuggestion: () => goOn(server, "showNext", 1),
    previousSuggestion: () => goOn(server, "showPrevious", -1),
    suggest: () => commands.executeCommand("editor.action.inlineSuggest.trigger"),
    nextEdit: () => nextEdits.ask(),
    takeNextEdit: () => nextEdits.goOrTake(),
    dismissNextEdit: () => nextEdits.dismiss(),
    listNextEdits: () => places.list(),
    enable: () => setMode("automatic"),
    disable: () => setMode("off"),
    toggle: () => toggle(context.globalState),
    toggleLanguage,
    explainLast: () => explain(parts),
    chooseMode: () => chooseMode(),
    chooseModel: () => chooseModel(parts),
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
    openSettings: () => openSettings(`@ext:${context.extension.id}`),
    openMachineSettings: () => openMachineSettings(`@ext:${context.extension.id} codeassist.model`),
    openDocs: () => openDocs(context, pages, log),
    openWalkthrough: () => walkthrough.open(`${context.extension.id}#start`),
  };
  return Object.entries(all).map(([name, carryOut]) =>
    commands.registerCommand(`codeassist.${name}`, () => reportingFailure(log, carryOut)),
  );
}

/** The request boundary: whatever a command throws is logged and said in one line. */
export async function reportingFailure(log: LogOutputChannel, carryOut: () => unknown): Promise<void> {
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

async function showMenu(server: Server): Promise<void> {
  const entries: (MenuEntry & QuickPickItem)[] = menuEntries(situation(server));
  const { tooltip } = view(server.state, window.activeTextEditor?.document.uri.toString());
  const choice = await window.showQuickPick(entries, { title: "codeassist", placeHolder: tooltip });
  if (choice) await commands.executeCommand(choice.command, ...(choice.argument ? [choice.argument] : []));
}

async function goOn(server: Server, command: "showNext" | "showPrevious", by: 1 | -1): Promise<void> {
  await commands.executeCommand(`editor.action.inlineSuggest.${command}`);
  server.alternativeMoved(by);
}

async function explain({ server, pages, walkthrough }: Parts): Promise<void> {
  const shown = server.shownSuggestion;
  const explanation = await server.ask("codeassist.explain", shown === undefined ? [] : [shown]);
  await pages.showMarkdown("Last suggestion", markdownOf(explanation));
  if (isOfSuggestion(explanation)) await walkthrough.set("explained", true);
}

async function chooseServer(): Promise<void> {
  const [file] = (await window.showOpenDialog({ title: "The codeassist program", canSelectMany: false })) ?? [];
  if (file === undefined) return;
  await workspace.getConfiguration("codeassist.server").update("path", file.fsPath, ConfigurationTarget.Global);
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

function markdownOf(explanation: unknown): string {
  if (typeof explanation === "object" && explanation !== null && "markdown" in explanation) {
    return String(explanation.markdown);
  }
  throw new Error("there is no suggestion to explain yet");
}

/** Whether it explains a suggestion, and does not say that there was none. */
function isOfSuggestion(explanation: unknown): boolean {
  return typeof explanation === "object" && explanation !== null && "path" in explanation;
}
