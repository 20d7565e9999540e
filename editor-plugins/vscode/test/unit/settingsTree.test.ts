import assert from "node:assert/strict";
import { test } from "node:test";
import { type Levels, settingsTree, snakeCase } from "../../src/settingsTree.ts";

const DECLARED = {
  "codeassist.editor.maxLines": { scope: "window" },
  "codeassist.editor.mode": { scope: "application" },
  "codeassist.model.name": { scope: "machine" },
  "codeassist.server.path": { scope: "machine" },
};

function tree(made: Record<string, Levels>) {
  return settingsTree(DECLARED, (key) => made[key]);
}

test("only what somebody set is sent, under the names of docs/settings.md", () => {
  assert.deepEqual(tree({}), {});
  assert.deepEqual(tree({ "codeassist.editor.maxLines": { globalValue: 3 } }), { editor: { max_lines: 3 } });
  assert.deepEqual(tree({ "codeassist.editor.maxLines": { globalValue: 0 } }), { editor: { max_lines: 0 } });
});

test("the nearest level wins", () => {
  const levels = { globalValue: 3, workspaceValue: 4, workspaceFolderValue: 5 };
  assert.deepEqual(tree({ "codeassist.editor.maxLines": levels }), { editor: { max_lines: 5 } });
});

test("a workspace cannot choose the model or the mode", () => {
  const levels = { globalValue: "mine", workspaceValue: "theirs", workspaceFolderValue: "theirs" };
  const made = { "codeassist.model.name": levels, "codeassist.editor.mode": { workspaceValue: "off" } };
  assert.deepEqual(tree(made), { model: { name: "mine" } });
});

test("how the server is started is not the server's concern", () => {
  assert.deepEqual(tree({ "codeassist.server.path": { globalValue: "/x" } }), {});
});

test("names", () => {
  assert.deepEqual(["name", "maxNewTokens", "deadlineMs"].map(snakeCase), ["name", "max_new_tokens", "deadline_ms"]);
});
