import assert from "node:assert/strict";
import { test } from "node:test";
import { fetchTitle, missingText, modelFacts, modelPicks, standInText } from "../../src/modelFacts.ts";

test("what the status says of the model", () => {
  assert.deepEqual(modelFacts({ model: { name: "q", device: "cpu", problem: null, missing: null, notices: [] } }), {
    name: "q",
    device: "cpu",
  });
  assert.deepEqual(modelFacts({ model: { name: null, problem: "p", missing: "auto" } }), {
    problem: "p",
    missing: "auto",
  });
  for (const wrong of [null, {}, { model: "q" }, []]) assert.deepEqual(modelFacts(wrong), {});
});

test("models to choose from: installed ones first, with what fetching the others takes", () => {
  const listed = {
    suggested: "big",
    models: [
      {
        name: "big",
        source: "hub:a/b",
        description: "for code",
        licence: "MIT",
        size_bytes: 1_640_000_000,
        state: "not installed",
      },
      { name: "small", source: "hub:c/d", description: "", licence: "", size_bytes: 99_000_000, state: "installed" },
      { name: "odd", size_bytes: null, state: "damaged: cut" },
      "no model",
    ],
  };
  const picks = modelPicks(listed, "small");
  assert.deepEqual(
    picks.map(({ label, description, detail }) => [label, description, detail]),
    [
      ["auto", "big fits this machine", "The best installed model for this machine."],
      ["$(check) small", "installed", "hub:c/d"],
      ["big", "not installed, 1.6 GB to fetch · fits this machine · MIT", "for code · hub:a/b"],
      ["odd", "damaged: cut", ""],
    ],
  );
  assert.deepEqual(
    picks.map(({ name }) => name),
    ["auto", "small", "big", "odd"],
  );
  assert.equal(modelPicks({}, "auto")[0]?.label, "$(check) auto");
});

test("what the button says", () => {
  assert.equal(fetchTitle("auto"), "Fetch the Model for This Machine");
  assert.equal(fetchTitle("qwen2.5-coder-7b"), "Fetch qwen2.5-coder-7b");
});

test("a model that is missing is said in words that need no terminal", () => {
  assert.equal(missingText("auto", undefined), "No model is installed yet, so nothing is suggested.");
  assert.equal(missingText("big", "small"), "The model big is not installed; small goes on suggesting.");
});

test("a model that stands in for the wanted one is said", () => {
  assert.match(standInText({ name: "small", stands_in: true }) ?? "", /cannot be reached: small stands in/);
  for (const other of [{ name: "big", stands_in: false }, { name: "big" }, null])
    assert.equal(standInText(other), undefined);
});
