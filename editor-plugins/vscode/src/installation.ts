/**
 * The steps that put the server into a virtual environment of its own.
 * Knows no VS Code and runs nothing.
 */
import { programIn } from "./serverLocation.ts";

export interface Step {
  /** What the progress says while it runs. */
  readonly title: string;
  readonly program: string;
  readonly args: readonly string[];
}

export interface Wanted {
  readonly python: string;
  readonly environment: string;
  readonly package: string;
  readonly pipArguments: readonly string[];
  readonly platform: NodeJS.Platform;
}

/** The program and arguments of each step, in order. A program that is there already is updated. */
export function installationSteps(wanted: Wanted): readonly Step[] {
  const python = programIn(wanted.environment, "python", wanted.platform);
  const pip = ["-m", "pip", "--disable-pip-version-check", "install", "--upgrade"];
  return [
    { title: "making the virtual environment", program: wanted.python, args: ["-m", "venv", wanted.environment] },
    {
      title: `installing ${wanted.package}`,
      program: python,
      args: [...pip, ...wanted.pipArguments, "--", wanted.package],
    },
    { title: "trying it", program: programIn(wanted.environment, "codeassist", wanted.platform), args: ["--version"] },
  ];
}

/** What the user is asked to agree to. */
export function consent(wanted: Wanted, hasGpu: boolean): string {
  const lines = [
    `With ${wanted.python}, into ${wanted.environment}:`,
    "",
    ...installationSteps(wanted)
      .slice(0, 2)
      .map(({ program, args }) => `${[program, ...args].join(" ")}`),
    "",
    "Nothing outside that folder is touched. Models are fetched later, and only when you say so.",
  ];
  if (wanted.platform === "linux" && !hasGpu && wanted.pipArguments.length === 0) {
    lines.push(
      "",
      "This machine seems to have no NVIDIA GPU, and pip's ordinary PyTorch brings CUDA packages of several gigabytes. " +
        "To get the CPU build, put the arguments that PyTorch's page gives for it into codeassist.server.pipArguments first.",
    );
  }
  return lines.join("\n");
}

/** Whether `python --version` printed 3.11 or newer. */
export function isRecentEnough(printed: string): boolean {
  const [, major, minor] = /^Python (\d+)\.(\d+)/.exec(printed.trim()) ?? [];
  return Number(major) === 3 && Number(minor) >= 11;
}
