/**
 * A program `codeassist` that runs the scripted server, and the record of what that was sent.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { required, until } from "./workbench.ts";

export const PYTHON = required("CODEASSIST_PYTHON");

export interface Message {
  readonly method: string;
  // biome-ignore lint/suspicious/noExplicitAny: what a client sent is looked at field by field
  readonly params: any;
}

export class ScriptedProgram {
  readonly path: string;
  private readonly folder: string;
  private readonly script: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.path = join(folder, "codeassist");
    const server = join(import.meta.dirname, "scriptedServer.ts");
    this.script = `#!/bin/sh\nexec '${process.execPath}' '${server}' '${this.recordFile}' "$@"\n`;
  }

  static async create(): Promise<ScriptedProgram> {
    const program = new ScriptedProgram(await mkdtemp(join(tmpdir(), "codeassist-scripted-")));
    await writeFile(program.path, program.script, { mode: 0o755 });
    await writeFile(program.recordFile, "");
    return program;
  }

  /** A package for pip that brings this program and nothing else, and depends on what is said. */
  async wheel(version = "9.9", requirement?: string): Promise<string> {
    return await this.package("codeassist-live", version, requirement);
  }

  /** A package of any name. Every one brings the program. */
  async package(name: string, version: string, requirement?: string): Promise<string> {
    const stem = name.replaceAll("-", "_");
    const folder = await mkdtemp(join(this.folder, "wheel-"));
    const file = join(folder, `${stem}-${version}-py3-none-any.whl`);
    const about = `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`;
    const needs = requirement === undefined ? "" : `Requires-Dist: ${requirement}\n`;
    await promisify(execFile)(PYTHON, [
      "-I",
      "-c",
      WRITE_WHEEL,
      file,
      `${stem}-${version}`,
      about + needs,
      this.script,
    ]);
    return file;
  }

  /** Have the server start without this model. */
  async lack(model: string): Promise<void> {
    await writeFile(`${this.recordFile}.missing`, model);
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }

  /** What the server was sent, once something of it fulfils `wanted`. */
  async sent(what: string, wanted: (message: Message) => boolean, deadlineMs?: number): Promise<Message> {
    return await until(what, async () => (await this.record()).find(wanted), deadlineMs);
  }

  async record(): Promise<Message[]> {
    const lines = (await readFile(this.recordFile, "utf8")).split("\n");
    return lines.slice(0, -1).map((line) => JSON.parse(line));
  }

  private get recordFile(): string {
    return join(this.folder, "record.jsonl");
  }
}

const WRITE_WHEEL = `
import sys, zipfile
file, stem, about, script = sys.argv[1:]
with zipfile.ZipFile(file, "w") as wheel:
    info = f"{stem}.dist-info"
    program = zipfile.ZipInfo(f"{stem}.data/scripts/codeassist")
    program.external_attr = 0o100755 << 16
    wheel.writestr(program, script)
    wheel.writestr(f"{info}/METADATA", about)
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(f"{info}/RECORD", "")
`;
