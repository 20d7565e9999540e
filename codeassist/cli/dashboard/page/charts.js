/** Charts as SVG, drawn at the width that they are given. Each says in words what it shows; numbers stand in tables. */

import { ms, percent, s, whole } from "./dom.js";

export const STAGES = ["debounce", "queue", "retrieve", "prompt", "sync", "first_token", "decode", "trim"];
/** Decoding begins with the first token: what is drawn adds up to the whole. */
const PARTS = (stages) => {
  const first = stages.first_token ?? 0;
  return STAGES.map((stage) => [stage, stage === "decode" ? Math.max(0, (stages.decode ?? 0) - first) : (stages[stage] ?? 0)]);
};
export const SLOT_STATES = ["exact", "stale", "shifted", "placed", "missing"];

function picture(width, height, label, ...children) {
  return s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label }, ...children);
}

const title = (text) => s("title", {}, text);

/** The marks that tell states apart without colour. */
function patterns() {
  const line = (d) => s("path", { d, class: "mark" });
  const pattern = (id, ...marks) => s("pattern", { id, width: 6, height: 6, patternUnits: "userSpaceOnUse" }, ...marks);
  return s(
    "defs",
    {},
    pattern("mark-stale", line("M-1 7 7 -1M-1 1 1 -1M5 7 7 5")),
    pattern("mark-shifted", line("M0 3h3l-1.5 -1.5M3 3l-1.5 1.5")),
    pattern("mark-placed", s("circle", { cx: 3, cy: 3, r: 1, class: "dot" })),
  );
}

/** The live cache, slot by slot: what each holds, and below it whose text stands there. */
export function cacheStrip(strip, width) {
  const total = Math.max(1, ...strip.runs.map(([, , stop]) => stop));
  const x = (slot) => (slot / total) * width;
  const shares = SLOT_STATES.map((state) => [state, countOf(strip.runs, state)]).filter(([, count]) => count);
  const label = `${whole(total)} slots: ${shares.map(([state, count]) => `${whole(count)} ${state}`).join(", ")}`;
  const blocks = strip.runs.flatMap(([state, start, stop]) => {
    const place = { x: x(start), y: 0, width: Math.max(1, x(stop) - x(start)), height: 44 };
    const told = title(`${state}: slots ${whole(start)} to ${whole(stop - 1)}`);
    return [
      s("rect", { ...place, class: `slot ${state}` }, told),
      ["stale", "shifted", "placed"].includes(state) && s("rect", { ...place, fill: `url(#mark-${state})`, class: "over" }),
    ];
  });
  const whose = strip.snippets.map(([start, stop], number) =>
    s(
      "rect",
      { x: x(start) + 0.5, y: 50, width: Math.max(1, x(stop) - x(start) - 1), height: 8, rx: 2, class: "snippet" },
      title(`snippet ${number + 1} of another file: ${whole(stop - start)} tokens`),
    ),
  );
  const end = Math.max(0, ...strip.snippets.map(([, stop]) => stop));
  const file = s(
    "rect",
    { x: x(end) + 0.5, y: 50, width: Math.max(1, width - x(end) - 1), height: 8, rx: 2, class: "file" },
    title(`this file: ${whole(total - end)} tokens`),
  );
  return picture(width, 60, label, patterns(), ...blocks, ...whose, file);
}

export function countOf(runs, state) {
  return runs.filter(([each]) => each === state).reduce((sum, [, start, stop]) => sum + stop - start, 0);
}

/** A square of a state's colour and mark, for legends. */
export function swatch(state) {
  return s(
    "svg",
    { width: 14, height: 14, class: "swatch", "aria-hidden": "true" },
    s("rect", { width: 14, height: 14, rx: 3, class: `slot ${state}` }),
    ["stale", "shifted", "placed"].includes(state) && s("rect", { width: 14, height: 14, rx: 3, fill: `url(#mark-${state})` }),
  );
}

function ticks(most, count) {
  const rough = most / count;
  const power = 10 ** Math.floor(Math.log10(rough || 1));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough) ?? rough;
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, number) => number * step);
}

/** The last requests, each a column of its stages. One that is far longer than the others is cut, and says so. */
export function requestColumns(requests, width) {
  const height = 190;
  const [left, bottom, top] = [46, 22, 12];
  const lasting = requests.map((request) => PARTS(request.stage_ms).reduce((sum, [, took]) => sum + took, 0));
  const ordered = [...lasting].sort((one, other) => one - other);
  const usual = ordered[Math.floor(ordered.length * 0.95)] ?? 1;
  const most = Math.max(1, Math.min(ordered.at(-1) ?? 1, usual * 1.6));
  const step = (width - left) / Math.max(24, requests.length);
  const y = (value) => height - bottom - (Math.min(value, most) / most) * (height - bottom - top);
  const grid = ticks(most, 4).map((tick) =>
    s(
      "g",
      {},
      s("line", { x1: left, x2: width, y1: y(tick), y2: y(tick), class: "grid" }),
      s("text", { x: left - 8, y: y(tick) + 4, "text-anchor": "end" }, `${whole(tick)}`),
    ),
  );
  const columns = requests.map((request, number) => {
    let sum = 0;
    const parts = PARTS(request.stage_ms).filter(([, took]) => took > 0);
    const told = `${request.outcome}, ${request.kind}: ${ms(lasting[number])} ms (${parts.map(([stage, took]) => `${stage.replace("_", " ")} ${ms(took)}`).join(", ") || "known already"})`;
    return s(
      "g",
      { class: `column ${request.outcome}` },
      title(told),
      s("rect", { x: left + number * step, y: top, width: step, height: height - top, class: "hover" }),
      parts.map(([stage, took]) => {
        const from = sum;
        sum += took;
        const [above, below] = [y(sum), y(from)];
        return s("rect", { x: left + number * step + 1, y: above, width: Math.max(1, step - 2), height: Math.max(0, below - above), class: `stage ${stage}` });
      }),
      lasting[number] > most && s("path", { d: `M${left + number * step + step / 2 - 4} ${top - 2}l4 -6 4 6z`, class: "cut" }),
      s("circle", { cx: left + number * step + step / 2, cy: height - bottom + 9, r: Math.min(3, step / 2.6), class: `outcome ${request.outcome}` }),
    );
  });
  const middle = ordered[Math.floor(ordered.length / 2)] ?? 0;
  const label = `The last ${requests.length} requests by stage: half of them took at most ${ms(middle)} ms`;
  return picture(width, height, label, ...grid, ...columns);
}

/** From the median to the 95th of a hundred, on a scale that doubles and doubles. */
export function timeRange(times, most) {
  const width = 150;
  const x = (value) => (Math.log10(1 + value) / Math.log10(1 + most)) * (width - 6) + 3;
  const [p50, p95] = [x(times.p50), x(times.p95)];
  return s(
    "svg",
    { viewBox: `0 0 ${width} 16`, width, height: 16, "aria-hidden": "true", class: "range" },
    s("line", { x1: 3, x2: width - 3, y1: 8, y2: 8, class: "grid" }),
    s("rect", { x: p50, y: 5, width: Math.max(2, p95 - p50), height: 6, rx: 3, class: "span" }),
    s("circle", { cx: p50, cy: 8, r: 4, class: "median" }),
  );
}

/** Suggestions shown and accepted, day by day. */
export function dayColumns(byDay, days, width) {
  const height = 150;
  const [left, right, bottom, top] = [40, 16, 22, 10];
  const dates = lastDates(byDay, days);
  const most = Math.max(1, ...dates.map((date) => byDay[date]?.shown ?? 0));
  const step = (width - left - right) / dates.length;
  const y = (value) => height - bottom - (value / most) * (height - bottom - top);
  const shown = dates.reduce((sum, date) => sum + (byDay[date]?.shown ?? 0), 0);
  const taken = dates.reduce((sum, date) => sum + (byDay[date]?.accepted ?? 0), 0);
  const every = Math.ceil(dates.length / Math.max(2, Math.floor(width / 90)));
  return picture(
    width,
    height,
    `${whole(taken)} of ${whole(shown)} suggestions accepted, by day`,
    ticks(most, 3).map((tick) =>
      s(
        "g",
        {},
        s("line", { x1: left, x2: width, y1: y(tick), y2: y(tick), class: "grid" }),
        s("text", { x: left - 8, y: y(tick) + 4, "text-anchor": "end" }, whole(tick)),
      ),
    ),
    dates.map((date, number) => {
      const found = byDay[date] ?? { shown: 0, accepted: 0, acceptance_rate: null };
      const place = { x: left + number * step + step * 0.12, width: step * 0.76 };
      return s(
        "g",
        {},
        title(`${date}: ${whole(found.accepted)} of ${whole(found.shown)} accepted (${percent(found.acceptance_rate)})`),
        s("rect", { x: left + number * step, y: top, width: step, height: height - bottom - top, class: "hover" }),
        s("rect", { ...place, y: y(found.shown), height: height - bottom - y(found.shown), class: "shown", rx: 1.5 }),
        s("rect", { ...place, y: y(found.accepted), height: height - bottom - y(found.accepted), class: "accepted", rx: 1.5 }),
        (dates.length - 1 - number) % every === 0 &&
          s("text", { x: left + (number + 0.5) * step, y: height - 6, "text-anchor": "middle" }, date.slice(5)),
      );
    }),
  );
}

function lastDates(byDay, days) {
  const counted = Object.keys(byDay).sort();
  const last = counted.at(-1) ?? new Date().toISOString().slice(0, 10);
  const span = counted.length ? Math.round((Date.parse(last) - Date.parse(counted[0])) / 86_400_000) + 1 : 1;
  const count = Math.min(Math.max(14, span), Math.max(days, 14));
  return Array.from({ length: count }, (_, back) => new Date(Date.parse(last) - (count - 1 - back) * 86_400_000).toISOString().slice(0, 10));
}

/** One bar of parts: [name, number] each, as shares of `most`. */
export function bar(parts, most, label) {
  const width = 240;
  let at = 0;
  return s(
    "svg",
    { viewBox: `0 0 ${width} 10`, height: 10, preserveAspectRatio: "none", class: "bar", role: "img", "aria-label": label },
    s("rect", { width, height: 10, class: "track" }),
    parts.map(([name, number]) => {
      const length = (number / Math.max(1, most)) * width;
      at += length;
      return s("rect", { x: at - length, width: length, height: 10, class: name });
    }),
  );
}
