import assert from "node:assert/strict";
import { test } from "node:test";
import { checkout, type Disk, NOT_PUBLISHED, ownIndex, sourceOfSettings, wheel } from "../../src/installSource.ts";

const OURS = '[build-system]\nname = "other"\n\n[project]\nname = "codeassist-live"\nversion = "1"\n';
const WHEEL = "/w/codeassist_live-0.1.0-py3-none-any.whl";
const INDEX = "https://packages.example.com/simple/";

function disk(files: Record<string, string> = {}, platform: NodeJS.Platform = "linux"): Disk {
  return { platform, isFile: (path) => path in files, read: (path) => files[path] };
}

test("without settings nothing is installed by itself: the user is asked", () => {
  assert.equal(sourceOfSettings("", "", disk()), undefined);
});

test("a name alone is refused, whichever it is, and the message says why", () => {
  for (const name of ["codeassist-live", "codeassist_live==0.1.0", "codeassist", "anything"]) {
    const found = sourceOfSettings(name, "", disk());
    assert.equal(found?.kind, "wrong");
    assert.ok(found?.kind === "wrong" && found.message.includes(NOT_PUBLISHED), name);
  }
});

test("a wheel and a checkout by their paths", () => {
  const files = { [WHEEL]: "", "/c/pyproject.toml": OURS };
  assert.deepEqual(sourceOfSettings(WHEEL, "", disk(files)), { kind: "wheel", path: WHEEL });
  assert.deepEqual(sourceOfSettings("/c", INDEX, disk(files)), { kind: "checkout", path: "/c" });
  const windows = disk({ "C:\\c\\pyproject.toml": OURS }, "win32");
  assert.deepEqual(sourceOfSettings("C:\\c", "", windows), { kind: "checkout", path: "C:\\c" });
  for (const path of ["dist/codeassist_live-0.1.0-py3-none-any.whl", "./checkout", "..\\checkout"]) {
    const found = sourceOfSettings(path, "", disk(files));
    assert.match(found?.kind === "wrong" ? found.message : "", /absolute path/, path);
  }
});

test("a wheel of somebody else's is none of ours", () => {
  const names = [
    "other-1.0-py3-none-any.whl",
    "codeassist_live.whl",
    "codeassist_live_evil-1-py3-none-any.whl",
    "x.zip",
  ];
  for (const name of names) assert.equal(wheel(`/w/${name}`, disk({ [`/w/${name}`]: "" })).kind, "wrong", name);
  assert.equal(wheel(WHEEL, disk()).kind, "wrong", "it is not there");
});

test("a checkout is known by the name of its project", () => {
  const of = (text: string) => checkout("/c", disk({ "/c/pyproject.toml": text })).kind;
  assert.equal(of(OURS), "checkout");
  assert.equal(of("[project]\nname = 'Codeassist_Live'\n"), "checkout");
  for (const text of [
    "",
    '[project]\nname = "other"\n[tool.x]\nname = "codeassist-live"\n',
    '[tool.project]\nname = "codeassist-live"\n',
    '# [project]\nname = "codeassist-live"\n',
  ]) {
    assert.equal(of(text), "wrong", text);
  }
  assert.equal(checkout("/c", disk()).kind, "wrong");
});

test("an index is asked by https and without a password, for a name and nothing else", () => {
  assert.deepEqual(ownIndex(INDEX, "codeassist-live==0.1.0"), {
    kind: "index",
    url: INDEX,
    requirement: "codeassist-live==0.1.0",
  });
  assert.deepEqual(sourceOfSettings("codeassist-live", INDEX, disk()), ownIndex(INDEX, "codeassist-live"));
  const urls = [
    "http://packages.example.com/simple/",
    "packages.example.com",
    "file:///srv/simple",
    "https://me:secret@packages.example.com/simple/",
    "https://a.example/ --extra-index-url https://b.example/",
    "",
  ];
  for (const url of urls) assert.equal(ownIndex(url, "codeassist-live").kind, "wrong", url);
  const names = [
    "",
    "--extra-index-url=https://b.example",
    "-rfile",
    "codeassist-live @ https://b.example/x.whl",
    "git+https://b.example/x",
    "codeassist-live other",
    "codeassist-live;python_version>'3'",
    "codeassist-live[all]",
  ];
  for (const name of names) assert.equal(ownIndex(INDEX, name).kind, "wrong", name);
  assert.match((ownIndex(urls[3] as string, "codeassist-live") as { message: string }).message, /password/);
  assert.equal(sourceOfSettings("", INDEX, disk())?.kind, "wrong", "an index without a name");
});
