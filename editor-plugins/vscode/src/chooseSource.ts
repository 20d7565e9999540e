/**
 * Asks what the server is to be installed from: there is no name that could be taken by itself.
 */
import { homedir } from "node:os";
import { type QuickPickItem, Uri, window } from "vscode";
import {
  checkout,
  type Disk,
  indexProblem,
  NOT_PUBLISHED,
  ownIndex,
  requirementProblem,
  type Source,
  type Wrong,
  wheel,
} from "./installSource.ts";

interface Choice extends QuickPickItem {
  readonly ask: (disk: Disk) => Promise<Source | Wrong | undefined>;
}

const CHOICES: readonly Choice[] = [
  {
    label: "$(package) A wheel…",
    detail: "A file codeassist_live-….whl that you built or were given.",
    ask: async (disk) => {
      const path = await open({ title: "A wheel of codeassist", filters: { Wheels: ["whl"] } });
      return path === undefined ? undefined : wheel(path, disk);
    },
  },
  {
    label: "$(repo) A checkout…",
    detail: "The folder of codeassist's sources, with its pyproject.toml.",
    ask: async (disk) => {
      const path = await open({ title: "A checkout of codeassist", canSelectFolders: true, canSelectFiles: false });
      return path === undefined ? undefined : checkout(path, disk);
    },
  },
  {
    label: "$(server) A package index of your own…",
    detail: "Its https address and the package's name there. No other index is asked.",
    ask: async () => {
      const url = await type("The index's https address (of its simple/ pages)", indexProblem);
      const name =
        url && (await type("The package's name in that index, with ==VERSION if you like", requirementProblem));
      return url && name ? ownIndex(url, name) : undefined;
    },
  },
];

/** The source that the user chooses; undefined when they leave. */
export async function chooseSource(disk: Disk): Promise<Source | Wrong | undefined> {
  const options = { title: "Install codeassist's server from…", placeHolder: NOT_PUBLISHED, ignoreFocusOut: true };
  const choice = await window.showQuickPick(CHOICES, options);
  return await choice?.ask(disk);
}

/** The path that the user picks; the dialog begins at home, not in the workspace. */
async function open(options: Parameters<typeof window.showOpenDialog>[0]): Promise<string | undefined> {
  const [picked] = (await window.showOpenDialog({ defaultUri: Uri.file(homedir()), ...options })) ?? [];
  return picked?.fsPath;
}

async function type(prompt: string, problem: (text: string) => string | undefined): Promise<string | undefined> {
  const typed = await window.showInputBox({
    title: "Install codeassist's server",
    prompt,
    ignoreFocusOut: true,
    validateInput: (text) => problem(text.trim()),
  });
  return typed?.trim();
}
