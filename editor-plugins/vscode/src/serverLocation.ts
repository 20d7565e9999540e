/**
 * Which `codeassist` program to run, and which Python could make one.
 * Knows no VS Code and reads no file: it is told what exists.
 */
import { posix, win32 } from "node:path";

/** What the search needs to know of the machine. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  /** The variable PATH. */
  readonly path: string;
  readonly isFile: (path: string) => boolean;
}

export type Origin = "setting" | "installed" | "PATH";

export type Located =
  | { readonly kind: "found"; readonly program: string; readonly origin: Origin }
  | { readonly kind: "wrong-setting"; readonly message: string }
  | { readonly kind: "missing" };

/** The server to run: the one that the user names, else the one that the extension installed, else the one on PATH. */
export function locateServer(setting: string, environment: string, machine: Machine): Located {
  if (setting !== "") {
    if (!paths(machine).isAbsolute(setting)) {
      return { kind: "wrong-setting", message: `codeassist.server.path is "${setting}": write an absolute path` };
    }
    return machine.isFile(setting)
      ? { kind: "found", program: setting, origin: "setting" }
      : { kind: "wrong-setting", message: `codeassist.server.path is "${setting}": there is no such file` };
  }
  const installed = programIn(environment, "codeassist", machine.platform);
  if (machine.isFile(installed)) return { kind: "found", program: installed, origin: "installed" };
  const onPath = searchPath("codeassist", machine);
  return onPath === undefined ? { kind: "missing" } : { kind: "found", program: onPath, origin: "PATH" };
}

/** Pythons on PATH, the likeliest first. Their versions are not known yet. */
export function pythonCandidates(machine: Machine): string[] {
  const names = ["python3", "python", "python3.14", "python3.13", "python3.12", "python3.11"];
  return names.flatMap((name) => searchPath(name, machine) ?? []);
}

/** Where a virtual environment keeps a program. */
export function programIn(environment: string, name: string, platform: NodeJS.Platform): string {
  return platform === "win32"
    ? win32.join(environment, "Scripts", `${name}.exe`)
    : posix.join(environment, "bin", name);
}

/** Relative entries of PATH are passed over: they would mean a folder of the workspace. */
function searchPath(name: string, machine: Machine): string | undefined {
  const { delimiter, isAbsolute, join } = paths(machine);
  const file = machine.platform === "win32" ? `${name}.exe` : name;
  return machine.path
    .split(delimiter)
    .filter((folder) => isAbsolute(folder))
    .map((folder) => join(folder, file))
    .find((path) => machine.isFile(path));
}

function paths(machine: Machine): typeof posix {
  return machine.platform === "win32" ? win32 : posix;
}
