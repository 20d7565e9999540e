import assert from "node:assert/strict";
import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { run } from "../../src/processes.ts";

const log = { info: () => {} } as unknown as Parameters<typeof run>[2];
const WHERE = ["-e", "console.log(process.cwd(), process.env.EXTRA)"];

test("a program runs in the folder that it is told, with the variables that it is told", async () => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "codeassist-run-")));
  const { code, out } = await run({ program: process.execPath, args: WHERE, environment: { EXTRA: "1" } }, folder, log);
  assert.deepEqual([code, out.trim()], [0, `${folder} 1`]);
  await rm(folder, { recursive: true });
});

test("a bare or relative name is never looked for", async () => {
  const folder = await mkdtemp(join(tmpdir(), "codeassist-run-"));
  await writeFile(join(folder, "node"), "#!/bin/sh\necho planted\n", { mode: 0o755 });
  for (const program of ["node", "./node", "node.exe", ""]) {
    await assert.rejects(run({ program, args: [] }, folder, log), /no absolute path/, program);
  }
  await rm(folder, { recursive: true });
});

test("arguments are no shell's", async () => {
  const args = ["-e", "console.log(process.argv[1])", "; echo $(id) && x"];
  const { out } = await run({ program: process.execPath, args }, tmpdir(), log);
  assert.equal(out.trim(), "; echo $(id) && x");
});
