/**
 * The steps that put the server into a virtual environment of its own.
 * Knows no VS Code and runs nothing.
 */
import type { Source } from "./installSource.ts";
import type { Command } from "./processes.ts";
import { programIn } from "./serverLocation.ts";

export interface Step extends Command {
  /** What the progress says while it runs. */
  readonly title: string;
}

export interface Wanted {
  readonly python: string;
  readonly environment: string;
  readonly source: Source;
  readonly pipArguments: readonly string[];
  readonly platform: NodeJS.Platform;
}

/**
 * The program and arguments of each step, in order. A program that is there already is updated.
 *
 * Python is isolated (-I): neither the folder that it starts in nor PYTHON* variables say what is imported. A wheel or a checkout is
 * installed by its path, so that pip looks its name up nowhere.
 */
export function installationSteps(wanted: Wanted): readonly Step[] {
  const python = programIn(wanted.environment, "python", wanted.platform);
  const venv = ["-I", "-m", "venv", wanted.environment];
  const pip = ["-I", "-m", "pip", "--disable-pip-version-check"];
  return [
    { title: "making the virtual environment", program: wanted.python, args: venv },
    { ...installing(wanted, pip), program: python },
    { title: "trying it", program: programIn(wanted.environment, "codeassist", wanted.platform), args: ["--version"] },
  ];
}

function installing({ source, pipArguments, platform }: Wanted, pip: readonly string[]) {
  if (source.kind !== "index") {
    const args = [...pip, "install", "--upgrade", ...pipArguments, "--", source.path];
    return { title: `installing ${source.path}`, args };
  }
  // No other index: pip's configuration files and PIP_* variables, which may name more of them, are left out.
  return {
    title: `installing ${source.requirement} from ${source.url}`,
    args: [...pip, "--isolated", "install", "--upgrade", "--index-url", source.url, "--", source.requirement],
    environment: { PIP_CONFIG_FILE: platform === "win32" ? "nul" : "/dev/null" },
  };
}

/** What the user is asked to agree to. */
export function consent(wanted: Wanted, hasGpu: boolean): string {
  const lines = [
    `With ${wanted.python}, into ${wanted.environment}:`,
    "",
    ...installationSteps(wanted).slice(0, 2).map(written),
    "",
    ORIGIN[wanted.source.kind],
    "Nothing outside that folder is touched. Models are fetched later, and only when you say so.",
  ];
  if (wanted.platform === "linux" && !hasGpu && wanted.source.kind !== "index" && wanted.pipArguments.length === 0) {
    lines.push(
      "",
      "This machine seems to have no NVIDIA GPU, and pip's ordinary PyTorch brings CUDA packages of several gigabytes. " +
        "To get the CPU build, put the arguments that PyTorch's page gives for it into codeassist.server.pipArguments first.",
    );
  }
  return lines.join("\n");
}

const ORIGIN: Readonly<Record<Source["kind"], string>> = {
  wheel: "What it depends on comes from the package index that your pip is set up with.",
  checkout:
    "Installing a checkout runs its build. What it depends on comes from the package index that your pip is set up with.",
  index:
    "All of it comes from this index and from no other. An index that passes on to a public one may hand out somebody else's " +
    "package of this name: codeassist is on none. codeassist.server.pipArguments are not used here.",
};

/** A command as it would be typed. */
export function written({ program, args, environment = {} }: Command): string {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  return [...variables, program, ...args].join(" ");
}

/** Whether `python --version` printed 3.11 or newer. */
export function isRecentEnough(printed: string): boolean {
  const [, major, minor] = /^Python (\d+)\.(\d+)/.exec(printed.trim()) ?? [];
  return Number(major) === 3 && Number(minor) >= 11;
}
