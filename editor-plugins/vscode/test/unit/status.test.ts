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

/** As docs/lsp.md has it. */
const STATUS = {
  version: "0.1.0",
  pid: 7,
  uptime_s: 4_000.4,
  model: {
    name: "qwen_2",
    device: "cpu",
    notices: ["slow"],
    loading: null,
    problem: null,
    missing: null,
    num_restarts: 0,
  },
  clients: 2,
  editors: [{ name: "Visual Studio Code", pid: 8 }],
  shared: { linger_s: 600 },
  documents: 1,
  threads: 2,
  cache: { documents: 1, slots: 1_900, exact_share: 0.5 },
  requests: { counts: { answered: 1_200, cached: 3, failed: 0 }, under_way: 0, joined: 0 },
  results: { kept: 1, hits: 2, along: 3, stale: 4, missed: 5 },
  second_looks: { made: 0, used: 0 },
  feedback: { unwritten: 0, problem: null },
  tokens: { prompt: 9, reused: 8, reused_share: 0.888, new: 1 },
  latency_ms: {
    total: { p50: 143.2, p90: 1, p95: 1_512.4, p99: 1 },
    first_token: { p50: 8.24, p90: 1, p95: 9, p99: 1 },
  },
  index: [{ root: "/a_b", indexed: 5, total: 1_000, building: true, problems: ["not | watched"] }],
  next_edits: { asked: 1 },
};

test("the status page says in words what the server tells in keys", () => {
  const page = statusPage(STATUS);
  assert.equal(
    page,
    "# codeassist\n" +
      "\n## Model\n\n**qwen\\_2** on cpu, 2 threads.\\\nNote: slow\n" +
      "\n## Suggestions since the server started\n\n| requests |  |\n| --- | ---: |\n" +
      "| answered by the model | 1,200 |\n| known already | 3 |\n" +
      "\n## How long they took\n\n|  | half within | 95 of 100 within |\n| --- | ---: | ---: |\n" +
      "| all of it | 143 ms | 1,512 ms |\n| the first word | 8.2 ms | 9.0 ms |\n" +
      "\n## What was reused\n\n89 % of what stood in prompts did not have to be read again.\\\n" +
      "50 % of what the cache holds is exact.\n" +
      "\n## Index\n\n/a\\_b: 5 of 1,000 files, being brought up to date.\\\nProblem: not \\| watched\n" +
      "\n## Server\n\ncodeassist 0.1.0, process 7.\\\nIt has run for 67 minutes.\\\n" +
      "It serves Visual Studio Code.\\\nWindows share it.\n",
  );
  assert.doesNotMatch(page.replace("qwen\\_2", "").replace("a\\_b", ""), /_|\b(null|undefined|p50|true|false)\b/);
});

test("of an older server, and without a model, it says what there is", () => {
  assert.match(
    statusPage({ model: { name: null, problem: "`codeassist models pull`", missing: "auto" } }),
    /No model is installed yet, so nothing is suggested\. The status bar's menu fetches it\.\n/,
  );
  assert.match(
    statusPage({ model: { name: null, problem: "no <model>" } }),
    /No model is in service\.\\\nProblem: no \\<model\\>/,
  );
  for (const wrong of [null, "none", [], { index: 3, requests: null }])
    assert.match(statusPage(wrong), /^# codeassist\n/);
});
