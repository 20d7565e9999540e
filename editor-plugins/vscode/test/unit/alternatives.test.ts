import assert from "node:assert/strict";
import { test } from "node:test";
import { Alternatives } from "../../src/alternatives.ts";
import { Timing } from "../../src/timing.ts";

const ONE = { id: "1", text: "one()" };
const TWO = { id: "2", text: "two()" };
const THREE = { id: "3", text: "three()" };

test("the alternative that is shown is the one that was gone to, round at the ends", () => {
  const all = new Alternatives();
  const shown = () => all.shown?.id;
  assert.equal(shown(), undefined);
  all.answered([ONE], false);
  assert.equal(shown(), "1");
  all.moved(1); // VS Code asks for all of them first
  assert.equal(shown(), "1");
  all.answered([ONE, TWO, THREE], true);
  assert.equal(shown(), "2");
  all.moved(1);
  all.moved(1);
  assert.equal(shown(), "1");
  all.moved(-1);
  assert.equal(shown(), "3");
});

test("it is all the same whether VS Code's question is answered before or after it is known that somebody went on", () => {
  const all = new Alternatives();
  all.answered([ONE], false);
  all.answered([ONE, TWO], true);
  all.moved(-1);
  assert.equal(all.shown?.id, "2");
});

test("whoever types along it stays with it; another answer begins at its first", () => {
  const all = new Alternatives();
  const shown = () => all.shown?.id;
  all.answered([ONE, TWO], true);
  all.moved(1);
  const rests = [
    { id: "4", text: "ne()" },
    { id: "5", text: "wo()" },
  ];
  all.answered(rests, false);
  assert.equal(shown(), "5");
  all.moved(1);
  all.answered([THREE, ONE], false); // of another place
  assert.equal(shown(), "3");
  all.answered([THREE, ONE], true);
  assert.equal(shown(), "3");
  all.answered([], false);
  assert.equal(shown(), undefined);
});

test("how long suggestions took, in words", () => {
  const timing = new Timing();
  assert.equal(timing.sentence, undefined);
  timing.note(143.4);
  assert.equal(timing.sentence, "The last suggestion came after 143 ms.");
  timing.note(20);
  timing.note(1_250);
  assert.equal(timing.sentence, "The last suggestion came after 1.3 s; half of the last 3 within 143 ms.");
});
