/**
 * Choosing and fetching the model: `codeassist models list` and `codeassist models pull`, in VS Code's windows.
 */
import { homedir } from "node:os";
import {
  ConfigurationTarget,
  commands,
  type ExtensionContext,
  type LogOutputChannel,
  ProgressLocation,
  type QuickPickItem,
  Uri,
  window,
  workspace,
} from "vscode";
import { installedProgram, ownFolder } from "./machine.ts";
import { fetchTitle, missingText, modelPicks, standInText } from "./modelFacts.ts";
import { run } from "./processes.ts";
import type { Server } from "./server.ts";

/** What these need of the extension. */
interface Parts {
  readonly context: ExtensionContext;
  readonly server: Server;
  readonly log: LogOutputChannel;
}

/** Fetch the model that is wanted: the one that the server misses, or else the one that is set. */
export async function pullModel(parts: Parts): Promise<void> {
  await fetch(parts, parts.server.model.missing ?? modelSetting());
}

/** Offer to fetch the model that the server misses. */
export async function askToFetch(parts: Parts, missing: string): Promise<void> {
  const [get, choose] = [fetchTitle(missing), "Choose Another…"];
  const text = `codeassist: ${missingText(missing, parts.server.model.name)}`;
  const choice = await window.showWarningMessage(text, get, choose);
  if (choice === get) await fetch(parts, missing);
  if (choice === choose) await chooseModel(parts);
}

/** Show the models that there are, and have the chosen one served; one that is not installed is fetched first. */
export async function chooseModel(parts: Parts): Promise<void> {
  const { context, log } = parts;
  const command = { program: installedProgram(context), args: ["models", "list", "--json"] };
  const listed = await window.withProgress(
    { location: ProgressLocation.Window, title: "codeassist: models" },
    async () => {
      const folder = await ownFolder(context);
      const { code, out } = await run(command, folder, log);
      if (code !== 0) throw new Error(`the models could not be listed (exit code ${code}); the log says why`);
      return JSON.parse(out) as unknown;
    },
  );
  const current = modelSetting();
  const named = modelPicks(listed, current).map((pick) => ({
    ...pick,
    choose: async () =>
      pick.isInstalled || pick.name === "auto" || (await fetch(parts, pick.name)) ? pick.name : undefined,
  }));
  const own = {
    label: "$(file) A file or folder of your own…",
    detail: "A GGUF file, or a folder with safetensors.",
    choose: openOwn,
  };
  const choices: (QuickPickItem & { choose: () => Promise<string | undefined> })[] = [...named, own];
  const choice = await window.showQuickPick(choices, {
    title: "codeassist: the model",
    placeHolder: `codeassist.model.name is ${current}`,
    matchOnDescription: true,
  });
  const name = await choice?.choose();
  if (name === undefined) return;
  await workspace.getConfiguration("codeassist.model").update("name", name, ConfigurationTarget.Global);
}

/** Whether it was fetched; the server is started again then. Throws when fetching fails. */
async function fetch({ context, server, log }: Parts, name: string): Promise<boolean> {
  const program = installedProgram(context);
  const folder = await ownFolder(context);
  const title = name === "auto" ? "Fetching the model for this machine" : `Fetching ${name}`;
  const pulled = await window.withProgress(
    { location: ProgressLocation.Notification, title, cancellable: true },
    async (_progress, token) => {
      const command = { program, args: ["models", "pull", name, "--json"] };
      const { code, out } = await run(command, folder, log, token);
      if (token.isCancellationRequested) return undefined;
      if (code !== 0) throw new Error(`the model could not be fetched (exit code ${code}); the log says why`);
      return JSON.parse(out) as unknown;
    },
  );
  if (pulled === undefined) return false;
  const standIn = standInText(pulled);
  if (standIn !== undefined) void offerAnother(standIn);
  await server.restart();
  return true;
}

async function offerAnother(why: string): Promise<void> {
  const choose = "Choose Another…";
  const choice = await window.showWarningMessage(`codeassist: ${why}`, choose);
  if (choice === choose) await commands.executeCommand("codeassist.chooseModel");
}

async function openOwn(): Promise<string | undefined> {
  const [picked] =
    (await window.showOpenDialog({
      title: "A GGUF file, or a folder with safetensors",
      defaultUri: Uri.file(homedir()),
      canSelectFiles: true,
      canSelectFolders: true,
      filters: { Models: ["gguf"] },
    })) ?? [];
  return picked?.fsPath;
}

function modelSetting(): string {
  return workspace.getConfiguration("codeassist.model").get<string>("name", "auto");
}
