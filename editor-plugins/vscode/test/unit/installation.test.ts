import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import {
  consent,
  installationSteps,
  isRecentEnough,
  TORCH,
  TORCH_CPU_INDEX,
  torchIndexFor,
  type Wanted,
  written,
} from "../../src/installation.ts";

const WHEEL = "/w/codeassist_live-0.1.0-py3-none-any.whl";
const WANTED = {
  python: "/usr/bin/python3",
  environment: "/own",
  source: { kind: "wheel", path: WHEEL },
  pipArguments: ["--find-links", "/wheels"],
  platform: "linux",
} as const satisfies Wanted;
const OWN_INDEX = {
  ...WANTED,
  source: { kind: "index", url: "https://packages.example.com/simple/", requirement: "codeassist-live" },
} as const satisfies Wanted;

test("a virtual environment, the package into it, a try; each Python isolated", () => {
  assert.deepEqual(installationSteps(WANTED).map(written), [
    "/usr/bin/python3 -I -m venv /own",
    `/own/bin/python -I -m pip --disable-pip-version-check install --upgrade --find-links /wheels -- ${WHEEL}`,
    "/own/bin/codeassist --version",
  ]);
  const checkout = installationSteps({ ...WANTED, source: { kind: "checkout", path: "/c" } });
  assert.deepEqual(checkout[1]?.args.slice(-2), ["--", "/c"], "a path: pip looks its name up nowhere");
});

test("a name is looked up in the user's index and in no other, whatever pip is set up with", () => {
  for (const [platform, none] of [
    ["linux", "/dev/null"],
    ["darwin", "/dev/null"],
    ["win32", "nul"],
  ] as const) {
    const [, install] = installationSteps({ ...OWN_INDEX, platform });
    assert.deepEqual(install?.args.slice(4), [
      "--isolated",
      "install",
      "--upgrade",
      "--index-url",
      "https://packages.example.com/simple/",
      "--",
      "codeassist-live",
    ]);
    assert.deepEqual(install?.environment, { PIP_CONFIG_FILE: none });
  }
  const text = consent(OWN_INDEX);
  assert.match(text, /from this index and from no other/);
  assert.match(text, /codeassist is on none/);
  assert.ok(text.includes("PIP_CONFIG_FILE=/dev/null /own/bin/python -I -m pip"), text);
});

test("the user agrees to exactly these commands", () => {
  for (const wanted of [WANTED, OWN_INDEX, { ...WANTED, torchIndex: TORCH_CPU_INDEX }]) {
    const text = consent(wanted);
    for (const step of installationSteps(wanted).slice(0, -1)) assert.ok(text.includes(written(step)), text);
  }
  assert.match(consent({ ...WANTED, source: { kind: "checkout", path: "/c" } }), /runs its build/);
});

test("where there is no GPU, PyTorch comes from PyTorch's index of CPU builds before anything else", () => {
  const torchIndex = torchIndexFor("linux", false, []);
  assert.equal(torchIndex, "https://download.pytorch.org/whl/cpu");
  const steps = installationSteps({ ...WANTED, pipArguments: [], torchIndex: TORCH_CPU_INDEX });
  assert.deepEqual(steps.map(written), [
    "/usr/bin/python3 -I -m venv /own",
    "PIP_CONFIG_FILE=/dev/null /own/bin/python -I -m pip --disable-pip-version-check --isolated install " +
      `--index-url ${TORCH_CPU_INDEX} -- ${TORCH}`,
    `/own/bin/python -I -m pip --disable-pip-version-check install --upgrade -- ${WHEEL}`,
    "/own/bin/codeassist --version",
  ]);
  const [, torch, own] = installationSteps({ ...OWN_INDEX, torchIndex: TORCH_CPU_INDEX });
  assert.deepEqual(
    torch?.args.slice(-4),
    ["--index-url", TORCH_CPU_INDEX, "--", TORCH],
    "our name is not asked for there",
  );
  assert.deepEqual(own?.args.slice(-4), ["--index-url", OWN_INDEX.source.url, "--", "codeassist-live"]);
});

test("elsewhere, and where the user names arguments, it comes from where the rest does", () => {
  assert.equal(torchIndexFor("linux", true, []), undefined);
  assert.equal(torchIndexFor("darwin", false, []), undefined);
  assert.equal(torchIndexFor("win32", false, []), undefined);
  assert.equal(torchIndexFor("linux", false, ["--index-url", "https://mirror.example.com/cpu"]), undefined);
});

test("what is wanted of PyTorch is what the server wants", async () => {
  const project = await readFile(join(import.meta.dirname, "../../../../pyproject.toml"), "utf8");
  assert.ok(project.includes(`"${TORCH}"`), TORCH);
});

test("which Pythons will do", () => {
  const answers = [
    "Python 3.11.7\n",
    "Python 3.14.0rc1",
    "Python 3.10.2",
    "Python 2.7.18",
    "",
    "pyenv: no such command",
  ];
  assert.deepEqual(answers.map(isRecentEnough), [true, true, false, false, false, false]);
});
