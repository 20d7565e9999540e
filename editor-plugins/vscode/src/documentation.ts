/**
 * The documentation that was installed with the server, chosen from a list and shown as a page.
 */
import { type ExtensionContext, type LogOutputChannel, window } from "vscode";
import { installedProgram, ownFolder } from "./machine.ts";
import type { Pages } from "./pages.ts";
import { run } from "./processes.ts";

interface Page {
  readonly name: string;
  readonly title: string;
  readonly path: string;
}

export async function openDocs(context: ExtensionContext, pages: Pages, log: LogOutputChannel): Promise<void> {
  const command = { program: installedProgram(context), args: ["docs", "--json"] };
  const folder = await ownFolder(context);
  const { code, out } = await run(command, folder, log);
  if (code !== 0) throw new Error(`the documentation could not be listed (exit code ${code}); the log says why`);
  const listed = (JSON.parse(out) as { pages: readonly Page[] }).pages;
  const choices = listed.map(({ name, title, path }) => ({ label: title, description: name, path }));
  const choice = await window.showQuickPick(choices, {
    title: "codeassist: the documentation",
    matchOnDescription: true,
  });
  if (choice !== undefined) await pages.showFile(choice.path);
}
