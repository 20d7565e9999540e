import assert from "node:assert/strict";
import { test } from "node:test";
import { follow, goesOnFrom, type Offer } from "../../src/offer.ts";

/** `ret` stands in the document from offset 10 on. */
const OFFER: Offer = { text: "return a + b\n", start: 10, reached: 3 };

test("text that continues the suggestion makes it grow", () => {
  assert.deepEqual(follow(OFFER, { offset: 13, length: 0, text: "urn" }), {
    kind: "grown",
    offer: { ...OFFER, reached: 6 },
  });
  assert.deepEqual(follow(OFFER, { offset: 10, length: 3, text: "return" }), {
    kind: "grown",
    offer: { ...OFFER, reached: 6 },
  });
});

test("deleting goes back within it, and no further", () => {
  assert.deepEqual(follow(OFFER, { offset: 12, length: 1, text: "" }), {
    kind: "along",
    offer: { ...OFFER, reached: 2 },
  });
  assert.equal(follow(OFFER, { offset: 9, length: 4, text: "" }).kind, "over");
});

test("a new line with its indentation is the Enter key", () => {
  const offer = { text: ":\n    pass", start: 0, reached: 1 };
  assert.equal(follow(offer, { offset: 1, length: 0, text: "\n    " }).kind, "along");
});

for (const [what, change] of Object.entries({
  "other text": { offset: 13, length: 0, text: "x" },
  "a change before it": { offset: 4, length: 0, text: "u" },
  "a change after it": { offset: 14, length: 0, text: "u" },
  "a change inside it": { offset: 11, length: 1, text: "e" },
})) {
  test(`it is over: ${what}`, () => assert.equal(follow(OFFER, change).kind, "over"));
}

test("all of it is no part of it", () => {
  assert.equal(follow(OFFER, { offset: 13, length: 0, text: "urn a + b\n" }).kind, "whole");
});

test("an entry of the completion list hides what does not go on from it", () => {
  // `shapes.ar` with the entry `area` for `ar`, and an item at the cursor, at the word, or before the dot
  assert.equal(goesOnFrom("ea(w)", 9, "area", 7, "ar"), true);
  assert.equal(goesOnFrom("ray", 9, "area", 7, "ar"), false);
  assert.equal(goesOnFrom("area(w)", 7, "area", 7, ""), true);
  assert.equal(goesOnFrom(".area(w)", 6, "area", 7, ""), true);
});
