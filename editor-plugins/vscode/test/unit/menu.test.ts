import assert from "node:assert/strict";
import { test } from "node:test";
import { hoverLines, menuEntries, type Situation } from "../../src/menu.ts";
import type { State } from "../../src/statusView.ts";

const RUNNING: State = { kind: "running", status: { busy: false, message: "qwen", kind: "Normal" } };
const SITUATION: Situation = {
  state: RUNNING,
  mode: "automatic",
  model: { name: "qwen", device: "cpu" },
  language: "python",
  isLanguageOff: false,
  isInlineSuggestOff: false,
};

function said(situation: Situation): string[] {
  return menuEntries(situation).map(({ label, description }) =>
    [label.replace(/^\$\([\w-]+\) /, ""), description].filter(Boolean).join(": "),
  );
}

test("the menu names the model, the mode, and whether the language is off", () => {
  assert.deepEqual(said(SITUATION).slice(0, 3), [
    "Model: qwen on cpu",
    "Suggestions: automatic: they appear while you type",
    "Suggestions for python: on",
  ]);
  assert.ok(said({ ...SITUATION, mode: "manual" }).includes("Suggestions: manual: they appear when you ask for one"));
  assert.ok(said({ ...SITUATION, isLanguageOff: true }).includes("Suggestions for python: off"));
});

test("a model that is not installed is fetched from the menu, by its name", () => {
  const lacking = { ...SITUATION, model: { missing: "qwen2.5-coder-7b", problem: "not installed" } };
  assert.deepEqual(said(lacking).slice(0, 2), [
    "Fetch qwen2.5-coder-7b",
    "Model: qwen2.5-coder-7b, which is not installed",
  ]);
  assert.equal(menuEntries(lacking)[0]?.command, "codeassist.pullModel");
  const any = { ...SITUATION, model: { missing: "auto" } };
  assert.deepEqual(said(any).slice(0, 2), ["Fetch the Model for This Machine", "Model: none yet"]);
  assert.equal(said(SITUATION).filter((line) => line.startsWith("Fetch")).length, 0);
});

test("without a server there is nothing to ask it, and one to install", () => {
  const missing = said({ ...SITUATION, state: { kind: "missing" }, model: {} });
  assert.equal(missing[0], "Install the server…");
  assert.deepEqual(
    missing.filter((line) => /Explain|status|Model|documentation/.test(line)),
    [],
  );
});

test("VS Code's own switch comes first when it is off", () => {
  const [first] = menuEntries({ ...SITUATION, isInlineSuggestOff: true });
  assert.equal(first?.command, "workbench.action.openSettings");
});

test("the hover says how long suggestions take", () => {
  const timing = "The last suggestion came after 140 ms.";
  assert.equal(
    hoverLines("qwen", { ...SITUATION, isLanguageOff: true }, timing),
    `codeassist: qwen\nModel: qwen on cpu\nSuggestions: automatic, off for python\n${timing}`,
  );
  assert.equal(hoverLines("Off.", { ...SITUATION, state: { kind: "off" } }, timing), "codeassist: Off.");
});
