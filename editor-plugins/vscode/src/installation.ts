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

/** The index of PyTorch's builds for processors, as https://pytorch.org/get-started/locally/ names it. */
export const TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu";
/** What the server needs of PyTorch, as its pyproject.toml says. */
export const TORCH = "torch>=2.7,<2.14";

export interface Wanted {
  readonly python: string;
  readonly environment: string;
  readonly source: Source;
  readonly pipArguments: readonly string[];
  readonly platform: NodeJS.Platform;
  /** Where PyTorch comes from, before anything else; undefined: from where the rest does. */
  readonly torchIndex?: string;
}

/**
 * Where PyTorch is to come from: on Linux pip's ordinary one brings CUDA packages of several gigabytes, which a machine without an
 * NVIDIA GPU has no use for. Whoever names arguments for pip has said where from.
 */
export function torchIndexFor(
  platform: NodeJS.Platform,
  hasGpu: boolean,
  pipArguments: readonly string[],
): string | undefined {
  return platform === "linux" && !hasGpu && pipArguments.length === 0 ? TORCH_CPU_INDEX : undefined;
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
    ...(wanted.torchIndex === undefined
      ? []
      : [{ ...fromIndex(wanted.torchIndex, TORCH, wanted.platform, pip), program: python }]),
    { ...installing(wanted, pip), program: python },
    { title: "trying it", program: programIn(wanted.environment, "codeassist", wanted.platform), args: ["--version"] },
  ];
}

function installing({ source, pipArguments, platform }: Wanted, pip: readonly string[]) {
  if (source.kind !== "index") {
    const args = [...pip, "install", "--upgrade", ...pipArguments, "--", source.path];
    return { title: `installing ${source.path}`, args };
  }
  return fromIndex(source.url, source.requirement, platform, [...pip], ["--upgrade"]);
}

/** No other index: pip's configuration files and PIP_* variables, which may name more of them, are left out. */
function fromIndex(
  url: string,
  requirement: string,
  platform: NodeJS.Platform,
  pip: readonly string[],
  options: readonly string[] = [],
) {
  return {
    title: `installing ${requirement} from ${url}`,
    args: [...pip, "--isolated", "install", ...options, "--index-url", url, "--", requirement],
    environment: { PIP_CONFIG_FILE: platform === "win32" ? "nul" : "/dev/null" },
  };
}

/** What the user is asked to agree to. */
export function consent(wanted: Wanted): string {
  const lines = [
    `With ${wanted.python}, into ${wanted.environment}:`,
    "",
    ...installationSteps(wanted).slice(0, -1).map(written),
    "",
    ...(wanted.torchIndex === undefined ? [] : [CPU_BUILD, ""]),
    ...(wanted.source.kind === "index" && wanted.torchIndex === undefined
      ? ["PyTorch comes from this index, too."]
      : []),
    ORIGIN[wanted.source.kind],
    "Nothing outside that folder is touched. Models are fetched later, and only when you say so.",
  ];
  return lines.join("\n");
}

const CPU_BUILD =
  "This machine seems to have no NVIDIA GPU: PyTorch's CPU build comes from PyTorch's own index, in the place of one with CUDA " +
  "packages of several gigabytes. To get it from elsewhere, put arguments for pip into codeassist.server.pipArguments first.";
const ORIGIN: Readonly<Record<Source["kind"], string>> = {
  wheel: "What it depends on comes from the package index that your pip is set up with.",
  checkout:
    "Installing a checkout runs its build. What it depends on comes from the package index that your pip is set up with.",
  index:
    "All else comes from this index and from no other. An index that passes on to a public one may hand out somebody else's " +
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
