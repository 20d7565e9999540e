/**
 * The scripted program's other commands: what the extension runs beside the server.
 */
import { rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const MODELS = {
  suggested: "big-coder",
  models: [
    { name: "big-coder", source: "hub:some/where", licence: "MIT", size_bytes: 1_600_000_000, state: "not installed" },
    {
      name: "small-coder",
      source: "hub:else/where",
      licence: "Apache-2.0",
      size_bytes: 99_000_000,
      state: "installed",
    },
  ],
};

/** Carry out a command line; returns the exit code. Fetching is noted, and ends that the model is missing. */
export function runCommand(
  args: readonly string[],
  record: string,
  note: (what: string, how: unknown) => void,
): number {
  const [name, what, model] = args;
  if (name === "models" && what === "list") say(JSON.stringify(MODELS));
  else if (name === "models" && what === "pull") {
    note("pull", model);
    if (model === "big-coder") {
      rmSync(`${record}.missing`, { force: true });
      say(JSON.stringify({ name: model, path: "/of/the/script.gguf", kind: "gguf", stands_in: false }));
      return 0;
    }
    return 4;
  } else if (name === "docs") {
    const path = join(dirname(record), "settings.md");
    writeFileSync(path, "# Settings\n\nThe page of the disk.\n");
    say(JSON.stringify({ pages: [{ name: "settings", title: "Settings", path }] }));
  } else say(`scripted: ${args.join(" ")}`);
  return 0;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
