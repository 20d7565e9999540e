import assert from "node:assert/strict";
import { test } from "node:test";
import { statusPage } from "../../src/statusPage.ts";
import { serverStatus, view } from "../../src/statusView.ts";

test("what the server says is shown", () => {
  const status = { busy: false, message: "qwen on cpu", kind: "Normal" } as const;
  assert.deepEqual(view({ kind: "running", status }), {
    text: "$(sparkle) codeassist",
    tooltip: "qwen on cpu",
    severity: "normal",
  });
  assert.match(view({ kind: "running", status: { ...status, busy: true } }).text, /spin/);
  assert.equal(view({ kind: "running", status: { ...status, kind: "Error" } }).severity, "error");
  assert.equal(view({ kind: "stopped", reason: "it broke" }).tooltip, "it broke");
});

test("where nothing comes by itself the item says why", () => {
  const message = { busy: false, message: "qwen", kind: "Normal", silent: { "file:///a/.env": "on demand only" } };
  const status = serverStatus(message);
  assert.ok(status);
  assert.deepEqual(view({ kind: "running", status }, "file:///a/.env"), {
    text: "$(circle-slash) codeassist",
    tooltip: "Suggestions are on demand only.",
    severity: "normal",
  });
  assert.equal(view({ kind: "running", status }, "file:///a/b.py").tooltip, "qwen");
  assert.equal(view({ kind: "running", status }).tooltip, "qwen");
  assert.equal(view({ kind: "running", status: { ...status, kind: "Error" } }, "file:///a/.env").tooltip, "qwen");
});

test("a status that is none is not taken", () => {
  assert.deepEqual(serverStatus({ busy: true, message: "m", kind: "Warning" }), {
    busy: true,
    message: "m",
    kind: "Warning",
  });
  for (const wrong of [null, "Normal", {}, { kind: "Great", busy: false, message: "" }])
    assert.equal(serverStatus(wrong), undefined);
});

test("the status page shows whatever it is told, as text", () => {
  const status = { model: "qwen", cache: { reused_share: 0.51234, notes: ["a|b", "<i>"] }, gone: null };
  const table = "| --- | --- |\n";
  assert.equal(
    statusPage({ ...status, index: [{ root: "/a_b", building: true }, { root: "/c" }] }),
    `# codeassist\n\n|  |  |\n${table}| model | qwen |\n| gone | – |\n` +
      `\n## cache\n\n|  |  |\n${table}| reused share | 0.51 |\n| notes | a\\|b, \\<i\\> |\n` +
      `\n## index\n\n| root | building |\n${table}| /a\\_b | true |\n| /c | – |\n`,
  );
  assert.equal(statusPage("none"), "# codeassist\n\nnone\n");
});
