/**
 * Where everything is put together: what runs when the extension is activated.
 * Each part has a module of its own.
 */
import { commands, type ExtensionContext, StatusBarAlignment, ThemeColor, window, workspace } from "vscode";
import { registerCommands, reportingFailure } from "./commands.ts";
import { hoverLines } from "./menu.ts";
import { askToFetch } from "./model.ts";
import { isOff } from "./modes.ts";
import { NextEdits } from "./nextEdit/nextEdits.ts";
import { Places } from "./nextEdit/places.ts";
import { Pages } from "./pages.ts";
import { SCHEMES, Server } from "./server.ts";
import { situation } from "./situation.ts";
import { view } from "./statusView.ts";
import { Walkthrough } from "./walkthrough.ts";

const DO_NOT_ASK = "doNotAskToInstall";
let running: Server | undefined;

export async function activate(context: ExtensionContext): Promise<void> {
  const log = window.createOutputChannel("codeassist", { log: true });
  const walkthrough = new Walkthrough();
  const server = new Server(context, log, walkthrough);
  running = server;
  const pages = new Pages();
  const bar = statusBar();
  const places = new Places(server.link);
  const nextEdits = new NextEdits(server.link, places);
  const asked = new Set<string>(); // once in a window is enough
  context.subscriptions.push(
    log,
    pages,
    bar,
    places,
    nextEdits,
    ...registerCommands({ context, server, pages, log, walkthrough, places, nextEdits }),
    server.onDidChangeState(async (state) => {
      show(bar, server);
      const { missing } = server.model;
      const lack = state.kind === "missing" ? "the server" : missing;
      if (lack === undefined || asked.has(lack)) return;
      asked.add(lack);
      if (missing === undefined) await askToInstall(context);
      else await reportingFailure(log, () => askToFetch({ context, server, log }, missing));
    }),
    workspace.onDidChangeConfiguration(async (event) => {
      if (event.affectsConfiguration("codeassist.editor")) show(bar, server);
      if (event.affectsConfiguration("codeassist.editor.mode")) await startIfWanted(server);
      const startsAnother = ["path", "shared"].some((name) => event.affectsConfiguration(`codeassist.server.${name}`));
      if (startsAnother) await server.restart();
    }),
    workspace.onDidOpenTextDocument(() => startIfWanted(server)),
    window.onDidChangeActiveTextEditor(() => show(bar, server)),
  );
  show(bar, server);
  await startIfWanted(server);
}

/** VS Code waits for this: the server gets its `shutdown` and ends. */
export async function deactivate(): Promise<void> {
  await running?.dispose();
  running = undefined;
}

/** A window without a file to write in needs no model in memory, nor does one where suggestions are off. */
async function startIfWanted(server: Server): Promise<void> {
  const isWriting = workspace.textDocuments.some(({ uri }) => SCHEMES.includes(uri.scheme));
  if (server.state.kind === "off" && isWriting && !isOff()) await server.start();
}

async function askToInstall(context: ExtensionContext): Promise<void> {
  if (context.globalState.get(DO_NOT_ASK)) return;
  const [install, choose, never] = ["Install…", "Choose…", "Don't Ask Again"];
  const choice = await window.showInformationMessage(
    "codeassist needs its server, which runs the model on this machine. It is not installed yet.",
    install,
    choose,
    never,
  );
  if (choice === install) await commands.executeCommand("codeassist.installServer");
  if (choice === choose) await commands.executeCommand("codeassist.chooseServer");
  if (choice === never) await context.globalState.update(DO_NOT_ASK, true);
}

function statusBar() {
  const bar = window.createStatusBarItem("codeassist.status", StatusBarAlignment.Right, 100);
  bar.name = "codeassist";
  bar.command = "codeassist.showMenu";
  bar.show();
  return bar;
}

function show(bar: ReturnType<typeof statusBar>, server: Server): void {
  const { text, tooltip, severity } = view(server.state, window.activeTextEditor?.document.uri.toString());
  bar.text = text;
  bar.tooltip = hoverLines(tooltip, situation(server), server.timing.sentence);
  bar.backgroundColor = severity === "normal" ? undefined : new ThemeColor(`statusBarItem.${severity}Background`);
}
