import assert from "node:assert/strict";
import { test } from "node:test";
import { locateServer, type Machine, pythonCandidates } from "../../src/serverLocation.ts";

const LINUX = machine("linux", "/usr/bin:/opt/bin", ["/opt/bin/codeassist", "/opt/bin/python3"]);

function machine(platform: NodeJS.Platform, path: string, files: string[]): Machine {
  return { platform, path, isFile: (file) => files.includes(file) };
}

test("the setting wins over what is installed, that over PATH", () => {
  const both = machine("linux", LINUX.path, ["/own/bin/codeassist", "/opt/bin/codeassist", "/my/codeassist"]);
  assert.deepEqual(locateServer("/my/codeassist", "/own", both), {
    kind: "found",
    program: "/my/codeassist",
    origin: "setting",
  });
  assert.deepEqual(locateServer("", "/own", both), {
    kind: "found",
    program: "/own/bin/codeassist",
    origin: "installed",
  });
  assert.deepEqual(locateServer("", "/own", LINUX), { kind: "found", program: "/opt/bin/codeassist", origin: "PATH" });
  assert.deepEqual(locateServer("", "/own", machine("linux", "/usr/bin", [])), { kind: "missing" });
});

test("a wrong setting is said, never passed over", () => {
  for (const [setting, said] of [
    ["bin/codeassist", /absolute/],
    ["/gone", /no such file/],
  ] as const) {
    const found = locateServer(setting, "/own", LINUX);
    assert.equal(found.kind, "wrong-setting");
    assert.match(found.kind === "wrong-setting" ? found.message : "", said);
  }
});

test("Windows has its own names", () => {
  const windows = machine("win32", "C:\\tools;D:\\x", ["D:\\x\\codeassist.exe"]);
  assert.deepEqual(locateServer("", "C:\\own", windows), {
    kind: "found",
    program: "D:\\x\\codeassist.exe",
    origin: "PATH",
  });
});

test("a relative entry of PATH would be a folder of the workspace: passed over", () => {
  assert.deepEqual(locateServer("", "/own", machine("linux", "bin:.", ["bin/codeassist", "codeassist"])), {
    kind: "missing",
  });
});

test("pythons on PATH, the likeliest first", () => {
  const several = machine("linux", "/a:/b", ["/b/python3", "/a/python", "/a/python3.12"]);
  assert.deepEqual(pythonCandidates(several), ["/b/python3", "/a/python", "/a/python3.12"]);
});
