/**
 * Installs or updates the server, after the user agreed to exactly what is done.
 * Knows nothing of the protocol; `installation` has the steps.
 */
import { mkdir } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { commands, type ExtensionContext, type LogOutputChannel, ProgressLocation, window, workspace } from "vscode";
import { consent, installationSteps, isRecentEnough, type Wanted } from "./installation.ts";
import { environmentFolder, machine, serverSetting } from "./machine.ts";
import { run } from "./processes.ts";
import type { Server } from "./server.ts";
import { pythonCandidates } from "./serverLocation.ts";

/** Ask, install, start. The server is stopped meanwhile. Throws when a step fails; what ran before runs again then. */
export async function installServer(context: ExtensionContext, server: Server, log: LogOutputChannel): Promise<void> {
  const folder = context.globalStorageUri.fsPath;
  await mkdir(folder, { recursive: true });
  const python = await findPython(folder, log);
  if (python === undefined) {
    await settingProblem(
      "codeassist needs Python 3.11 or newer, and none was found on PATH. Install one, or name it in codeassist.server.python.",
      "codeassist.server.python",
    );
    return;
  }
  const wanted: Wanted = {
    python,
    environment: environmentFolder(context),
    package: serverSetting("package") || "codeassist-live",
    pipArguments: workspace.getConfiguration("codeassist.server").get<string[]>("pipArguments", []),
    platform: machine.platform,
  };
  if (!(await agreed(wanted))) return;
  await server.stop({ kind: "installing" });
  try {
    await window.withProgress(
      { location: ProgressLocation.Notification, title: "codeassist's server", cancellable: true },
      async (progress, token) => {
        for (const { title, program, args } of installationSteps(wanted)) {
          progress.report({ message: title });
          const { code } = await run(program, args, folder, log, token);
          if (token.isCancellationRequested) return;
          if (code !== 0) throw new Error(`${title} failed (exit code ${code}). The log says why.`);
        }
      },
    );
  } finally {
    await server.start();
  }
}

async function agreed(wanted: Wanted): Promise<boolean> {
  const [install, change] = ["Install", "Pip Arguments…"];
  const choice = await window.showInformationMessage(
    "Install codeassist's server?",
    { modal: true, detail: consent(wanted, hasGpu()) },
    install,
    change,
  );
  if (choice === change)
    await commands.executeCommand("workbench.action.openSettings", "codeassist.server.pipArguments");
  return choice === install;
}

async function findPython(folder: string, log: LogOutputChannel): Promise<string | undefined> {
  const named = serverSetting("python");
  for (const python of named ? [named] : pythonCandidates(machine)) {
    try {
      const { out } = await run(python, ["--version"], folder, log);
      if (isRecentEnough(out)) return python;
    } catch (error) {
      log.warn(`${python}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return undefined;
}

async function settingProblem(message: string, setting: string): Promise<void> {
  const choice = await window.showErrorMessage(message, "Open Settings");
  if (choice) await commands.executeCommand("workbench.action.openSettings", setting);
}

/** NVIDIA's driver brings this program; without the driver no CUDA package is of use. */
function hasGpu(): boolean {
  return machine.path.split(delimiter).some((folder) => machine.isFile(join(folder, "nvidia-smi")));
}
