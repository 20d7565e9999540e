/**
 * Runs one program to its end, with its output in the log.
 * Knows nothing of the programs.
 */
import { spawn } from "node:child_process";
import type { CancellationToken, LogOutputChannel } from "vscode";

export interface Ended {
  /** Null when it was stopped by a signal. */
  readonly code: number | null;
  readonly out: string;
}

/** Rejects when the program cannot be started. Cancelling ends the program. */
export async function run(
  program: string,
  args: readonly string[],
  folder: string,
  log: LogOutputChannel,
  token?: CancellationToken,
): Promise<Ended> {
  log.info(`> ${[program, ...args].join(" ")}`);
  const child = spawn(program, args, { cwd: folder, windowsHide: true, stdio: ["ignore", "pipe", "pipe"] });
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
