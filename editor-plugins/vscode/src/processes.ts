/**
 * Runs one program to its end, with its output in the log.
 */
import { spawn } from "node:child_process";
import { isAbsolute } from "node:path";
import type { CancellationToken, LogOutputChannel } from "vscode";

export interface Command {
  /** An absolute path: a bare name would be looked for in folders that nobody chose. */
  readonly program: string;
  readonly args: readonly string[];
  /** Variables over those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Ended {
  /** Null when it was stopped by a signal. */
  readonly code: number | null;
  readonly out: string;
}

/**
 * Runs `command` in `folder`, which is one of the extension's own and never the workspace: files there would change what programs
 * find. Rejects when it cannot be started. Cancelling ends the program.
 */
export async function run(
  { program, args, environment }: Command,
  folder: string,
  log: LogOutputChannel,
  token?: CancellationToken,
): Promise<Ended> {
  if (!isAbsolute(program)) throw new Error(`${program}: not started, since it is no absolute path`);
  log.info(`> ${[program, ...args].join(" ")}`);
  const child = spawn(program, args, {
    cwd: folder,
    env: { ...process.env, ...environment },
    shell: false,
    windowsHide: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const cancelled = token?.onCancellationRequested(() => child.kill());
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
    log.info(text.trimEnd());
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => log.info(text.trimEnd()));
  try {
    return await new Promise<Ended>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => resolve({ code, out }));
    });
  } finally {
    cancelled?.dispose();
  }
}
