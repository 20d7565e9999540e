/**
 * Installs or updates the server, after the user agreed to exactly what is done.
 * `installation` has the steps.
 */
import { delimiter, isAbsolute, join } from "node:path";
import { type ExtensionContext, type LogOutputChannel, ProgressLocation, window, workspace } from "vscode";
import { chooseSource } from "./chooseSource.ts";
import { consent, installationSteps, isRecentEnough, torchIndexFor, type Wanted } from "./installation.ts";
import { type Source, sourceOfSettings } from "./installSource.ts";
import { disk, environmentFolder, machine, ownFolder, serverSetting } from "./machine.ts";
import { openMachineSettings } from "./openSettings.ts";
import { run } from "./processes.ts";
import type { Server } from "./server.ts";
import { pythonCandidates } from "./serverLocation.ts";

/** Ask, install, start. The server is stopped meanwhile. Throws when a step fails; what ran before runs again then. */
export async function installServer(context: ExtensionContext, server: Server, log: LogOutputChannel): Promise<void> {
  const folder = await ownFolder(context);
  const source = await findSource();
  if (source === undefined) return;
  const python = await findPython(folder, log);
  if (python === undefined) return;
  const { platform } = machine;
  const pipArguments = workspace.getConfiguration("codeassist.server").get<string[]>("pipArguments", []);
  const torchIndex = torchIndexFor(platform, hasGpu(), source.kind === "index" ? [] : pipArguments);
  const plain: Wanted = { python, environment: environmentFolder(context), source, pipArguments, platform };
  const wanted = await agreed(torchIndex === undefined ? plain : { ...plain, torchIndex });
  if (wanted === undefined) return;
  await server.stop({ kind: "installing" });
  try {
    await window.withProgress(
      { location: ProgressLocation.Notification, title: "codeassist's server", cancellable: true },
      async (progress, token) => {
        for (const step of installationSteps(wanted)) {
          progress.report({ message: step.title });
          const { code } = await run(step, folder, log, token);
          if (token.isCancellationRequested) return;
          if (code !== 0) throw new Error(`${step.title} failed (exit code ${code}). The log says why.`);
        }
      },
    );
  } finally {
    await server.start();
  }
}

/** What the user agreed to; undefined when they did not. */
async function agreed(wanted: Wanted): Promise<Wanted | undefined> {
  const [install, other] = ["Install", wanted.source.kind === "index" ? "PyTorch from My Index Too" : "Pip Arguments…"];
  const hasOther = wanted.source.kind !== "index" || wanted.torchIndex !== undefined;
  const choice = await window.showInformationMessage(
    "Install codeassist's server?",
    { modal: true, detail: consent(wanted) },
    ...(hasOther ? [install, other] : [install]),
  );
  if (choice === install) return wanted;
  if (choice !== other) return undefined;
  if (wanted.source.kind !== "index") {
    await openMachineSettings("codeassist.server.pipArguments");
    return undefined;
  }
  const { torchIndex: _, ...all } = wanted;
  return await agreed(all);
}

/** What to install from, by the settings or as the user says now; undefined when it is none, which they were told. */
async function findSource(): Promise<Source | undefined> {
  const named = sourceOfSettings(serverSetting("package"), serverSetting("index"), disk);
  const source = named ?? (await chooseSource(disk));
  if (source?.kind !== "wrong") return source;
  if (named !== undefined) await settingProblem(source.message, "codeassist.server");
  else await window.showErrorMessage(`codeassist: ${source.message}`);
  return undefined;
}

async function findPython(folder: string, log: LogOutputChannel): Promise<string | undefined> {
  const setting = "codeassist.server.python";
  const named = serverSetting("python");
  if (named && !isAbsolute(named)) {
    await settingProblem(`${setting} is "${named}": write an absolute path`, setting);
    return undefined;
  }
  for (const python of named ? [named] : pythonCandidates(machine)) {
    try {
      const { out } = await run({ program: python, args: ["-I", "--version"] }, folder, log);
      if (isRecentEnough(out)) return python;
    } catch (error) {
      log.warn(`${python}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  await settingProblem(
    `codeassist needs Python 3.11 or newer, and none was found on PATH. Install one, or name it in ${setting}.`,
    setting,
  );
  return undefined;
}

async function settingProblem(message: string, setting: string): Promise<void> {
  const choice = await window.showErrorMessage(message, "Open Settings");
  if (choice) await openMachineSettings(setting);
}

/** NVIDIA's driver brings this program; without the driver no CUDA package is of use. */
function hasGpu(): boolean {
  return machine.path.split(delimiter).some((folder) => machine.isFile(join(folder, "nvidia-smi")));
}
