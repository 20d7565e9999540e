/**
 * What the extension's settings and this machine say about the server.
 */
import { readFileSync, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type ConfigurationScope, type ExtensionContext, workspace } from "vscode";
import type { Disk } from "./installSource.ts";
import { type Located, locateServer, type Machine } from "./serverLocation.ts";
import { type Declared, settingsTree, type Tree } from "./settingsTree.ts";

export const machine: Machine = {
  platform: process.platform,
  get path() {
    return process.env["PATH"] ?? "";
  },
  isFile: (path) => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false,
};

export const disk: Disk = {
  platform: machine.platform,
  isFile: machine.isFile,
  read: (path) => (machine.isFile(path) ? readFileSync(path, "utf8") : undefined),
};

/**
 * The folder that everything which the extension starts is started in, made if need be. Not the workspace: no file there may change
 * what a program finds.
 */
export async function ownFolder(context: ExtensionContext): Promise<string> {
  const folder = context.globalStorageUri.fsPath;
  await mkdir(folder, { recursive: true });
  return folder;
}

/** The folder of the virtual environment that the extension makes. */
export function environmentFolder(context: ExtensionContext): string {
  return join(context.globalStorageUri.fsPath, "server");
}

/** The server to run, by the settings in force. */
export function server(context: ExtensionContext): Located {
  return locateServer(serverSetting("path"), environmentFolder(context), machine);
}

/** The program to run. Throws where there is none. */
export function installedProgram(context: ExtensionContext): string {
  const found = server(context);
  if (found.kind === "found") return found.program;
  throw new Error(found.kind === "wrong-setting" ? found.message : "the server is not installed yet");
}

/** A setting of the server's section that is a text. */
export function serverSetting(name: "path" | "python" | "package" | "index"): string {
  return workspace.getConfiguration("codeassist.server").get<string>(name, "").trim();
}

/** Whether one server is to serve all windows. */
export function isServerShared(): boolean {
  return workspace.getConfiguration("codeassist.server").get<boolean>("shared", false);
}

/** The settings that somebody made, as the server takes them. */
export function settings(context: ExtensionContext, scope?: ConfigurationScope): Tree {
  const configuration = workspace.getConfiguration(undefined, scope);
  return settingsTree(declaredSettings(context), (key) => configuration.inspect(key));
}

function declaredSettings(context: ExtensionContext): Record<string, Declared> {
  const { configuration } = context.extension.packageJSON.contributes as {
    configuration: { properties: Record<string, Declared> }[];
  };
  return Object.assign({}, ...configuration.map(({ properties }) => properties));
}
