import assert from "node:assert/strict";
import { test } from "node:test";
import { consent, installationSteps, isRecentEnough } from "../../src/installation.ts";

const WANTED = {
  python: "/usr/bin/python3",
  environment: "/own",
  package: "codeassist-live",
  pipArguments: ["--find-links", "/wheels"],
  platform: "linux",
} as const;

test("a virtual environment, the package into it, a try", () => {
  const commands = installationSteps(WANTED).map(({ program, args }) => [program, ...args].join(" "));
  assert.deepEqual(commands, [
    "/usr/bin/python3 -m venv /own",
    "/own/bin/python -m pip --disable-pip-version-check install --upgrade --find-links /wheels -- codeassist-live",
    "/own/bin/codeassist --version",
  ]);
});

test("the user agrees to exactly these commands", () => {
  const text = consent(WANTED, true);
  for (const { program, args } of installationSteps(WANTED).slice(0, 2)) {
    assert.ok(text.includes([program, ...args].join(" ")), text);
  }
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
