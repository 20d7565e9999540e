import assert from "node:assert/strict";
import { test } from "node:test";
import { consent, installationSteps, isRecentEnough, type Wanted, written } from "../../src/installation.ts";

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
  const text = consent(OWN_INDEX, true);
  assert.match(text, /from this index and from no other/);
  assert.match(text, /codeassist is on none/);
  assert.ok(text.includes("PIP_CONFIG_FILE=/dev/null /own/bin/python -I -m pip"), text);
});

test("the user agrees to exactly these commands", () => {
  for (const wanted of [WANTED, OWN_INDEX]) {
    const text = consent(wanted, true);
    for (const step of installationSteps(wanted).slice(0, 2)) assert.ok(text.includes(written(step)), text);
  }
  assert.match(consent({ ...WANTED, source: { kind: "checkout", path: "/c" } }, true), /runs its build/);
});

test("gigabytes of CUDA are announced where they are of no use, and only there", () => {
  const plain = { ...WANTED, pipArguments: [] };
  assert.match(consent(plain, false), /several gigabytes/);
  assert.doesNotMatch(consent(plain, true), /gigabytes/);
  assert.doesNotMatch(consent(WANTED, false), /gigabytes/);
  assert.doesNotMatch(consent({ ...plain, platform: "darwin" }, false), /gigabytes/);
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
