/** The steps of an installation carried out by a real pip: which package indexes it asks for our name. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { installationSteps, type Step, TORCH, type Wanted } from "../../src/installation.ts";
import { PYTHON, ScriptedProgram } from "./scriptedProgram.ts";

const closing: (() => Promise<unknown>)[] = [];
after(async () => {
  for (const close of closing.reverse()) await close();
});

/** A package index with one wheel, which notes what it is asked. */
async function packageIndex(wheel: string): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const name = basename(wheel);
  const server = createServer(async (request, response) => {
    asked.push(request.url ?? "");
    if (request.url?.endsWith(".whl")) response.end(await readFile(wheel));
    else response.setHeader("Content-Type", "text/html").end(`<a href="/files/${name}">${name}</a>`);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/simple/`, asked };
}

async function carryOut({ program, args, environment }: Omit<Step, "title">, variables: NodeJS.ProcessEnv) {
  return await promisify(execFile)(program, [...args], { env: { ...variables, ...environment } });
}

test("a name comes from the user's own index, whatever else pip is set up to ask", async () => {
  const folder = await mkdtemp(join(tmpdir(), "codeassist-index-"));
  closing.push(() => rm(folder, { recursive: true, force: true, maxRetries: 20 }));
  const program = await ScriptedProgram.create();
  closing.push(() => program.remove());
  const own = await packageIndex(await program.wheel("9.9"));
  const evil = await packageIndex(await program.wheel("99.9"));

  const configured = join(folder, "config", "pip");
  await mkdir(configured, { recursive: true });
  await writeFile(join(configured, "pip.conf"), `[global]\nextra-index-url = ${evil.url}\n`);
  const variables = {
    ...process.env,
    HOME: folder,
    XDG_CONFIG_HOME: join(folder, "config"),
    PIP_INDEX_URL: evil.url,
    PIP_EXTRA_INDEX_URL: evil.url,
    PIP_FIND_LINKS: evil.url,
    NO_PROXY: "127.0.0.1",
    no_proxy: "127.0.0.1",
  };
  const wanted: Wanted = {
    python: PYTHON,
    environment: join(folder, "server"),
    source: { kind: "index", url: own.url, requirement: "codeassist-live" },
    pipArguments: ["--extra-index-url", evil.url],
    platform: process.platform,
  };
  const [venv, install] = installationSteps(wanted);
  assert.ok(venv && install);
  await carryOut(venv, variables);

  // What pip does without the precautions: it asks both and takes the higher version.
  const plain = ["-m", "pip", "install", "--dry-run", "--index-url", own.url, "codeassist-live"];
  const { stdout } = await carryOut({ program: install.program, args: plain }, variables);
  assert.match(stdout, /99\.9/);
  assert.notEqual(evil.asked.length, 0);

  evil.asked.length = 0;
  await carryOut(install, variables);
  assert.deepEqual(evil.asked, []);
  const { stdout: shown } = await carryOut({ program: install.program, args: ["-m", "pip", "freeze"] }, variables);
  assert.match(shown, /codeassist-live==9\.9$/m);
});

test("where PyTorch's CPU build is installed first, pip never asks another index for PyTorch", async () => {
  const folder = await mkdtemp(join(tmpdir(), "codeassist-torch-"));
  closing.push(() => rm(folder, { recursive: true, force: true, maxRetries: 20 }));
  const program = await ScriptedProgram.create();
  closing.push(() => program.remove());
  const builds = await packageIndex(await program.package("torch", "2.9.0+cpu"));
  const cuda = await packageIndex(await program.package("torch", "2.13.0", "nvidia-cuda-runtime"));
  const wanted: Wanted = {
    python: PYTHON,
    environment: join(folder, "server"),
    source: { kind: "wheel", path: await program.wheel("9.9", TORCH) },
    pipArguments: [],
    platform: process.platform,
    torchIndex: builds.url,
  };
  const variables = { ...process.env, HOME: folder, PIP_INDEX_URL: cuda.url, NO_PROXY: "*", no_proxy: "*" };
  for (const step of installationSteps(wanted)) if (step.title !== "trying it") await carryOut(step, variables);
  const [, install] = installationSteps(wanted);
  assert.ok(install);
  const { stdout } = await carryOut({ program: install.program, args: ["-m", "pip", "freeze"] }, variables);
  assert.match(stdout, /^torch==2\.9\.0\+cpu$/m);
  assert.match(stdout, /^codeassist-live @/m);
  assert.deepEqual(
    cuda.asked.filter((path) => /torch|nvidia/.test(path)),
    [],
  );
});

test("nothing in the folder that pip starts in is imported, and a wheel's name is looked up nowhere", async () => {
  const folder = await mkdtemp(join(tmpdir(), "codeassist-planted-"));
  closing.push(() => rm(folder, { recursive: true, force: true, maxRetries: 20 }));
  const program = await ScriptedProgram.create();
  closing.push(() => program.remove());
  const wheel = await program.wheel("9.9");
  const evil = await packageIndex(await program.wheel("99.9"));
  const mark = join(folder, "imported");
  const planted = `open(${JSON.stringify(mark)}, "a").write(__name__ + "\\n")\n`;
  for (const name of ["pip", "venv", "ensurepip"]) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, "__init__.py"), planted);
    await writeFile(join(folder, name, "__main__.py"), planted);
  }
  await writeFile(join(folder, "subprocess.py"), planted);
  const variables = { ...process.env, PIP_INDEX_URL: evil.url, PYTHONPATH: folder, NO_PROXY: "*", no_proxy: "*" };
  const wanted: Wanted = {
    python: PYTHON,
    environment: join(folder, "server"),
    source: { kind: "wheel", path: wheel },
    pipArguments: [],
    platform: process.platform,
  };
  for (const step of installationSteps(wanted)) {
    if (step.title !== "trying it")
      await promisify(execFile)(step.program, [...step.args], { env: variables, cwd: folder });
  }
  await assert.rejects(readFile(mark), "nothing planted has run");
  assert.deepEqual(
    evil.asked.filter((path) => path.includes("codeassist")),
    [],
  );
  // The same without -I: the trap is one.
  await promisify(execFile)(PYTHON, ["-m", "pip", "--version"], { env: variables, cwd: folder });
  assert.match(await readFile(mark, "utf8"), /pip/);
});
