/** Asks for the data every two seconds while somebody looks, and draws anew what has changed. */

import { h } from "./dom.js";
import * as panels from "./panels.js";

const EVERY_MS = 2000;
const NAMES = ["tiles", "suggestion", "cache", "latency", "acceptance", "sources", "index", "served"];
const element = (id) => document.getElementById(id);
const drawn = new Map();
let data = null;
let chosen = null;
let isPaused = false;
let timer = 0;

async function look() {
  clearTimeout(timer);
  try {
    const response = await fetch("data.json", { cache: "no-store" });
    if (!response.ok) throw new Error(await response.text());
    data = await response.json();
    say("");
    draw();
  } catch (error) {
    say(error instanceof TypeError ? "The dashboard has ended. Start it again: codeassist dashboard" : error.message);
  }
  if (!isPaused && !document.hidden) timer = setTimeout(look, EVERY_MS);
}

/** Said once, and so read out once. */
function say(line) {
  if (element("trouble").textContent !== line) element("trouble").textContent = line;
  document.body.classList.toggle("lost", line !== "");
}

function draw() {
  const able = data.servers.filter((one) => one.problem === null);
  const server = able.find((one) => one.pid === chosen) ?? able.find((one) => one.last_suggestion.text !== undefined) ?? able[0] ?? null;
  element("clock").textContent = `read at ${new Date(data.at_s * 1000).toLocaleTimeString()}`;
  change("choice", () => choice(able, server), [able.map(title), server?.pid]);
  const width = roomIn("cache");
  const half = roomIn("acceptance");
  const given = {
    tiles: { server: pick(server, "model", "latency_ms", "tokens", "cache"), stats: data.stats },
    suggestion: { server: pick(server, "monitors"), found: server?.last_suggestion },
    cache: { server: pick(server, "cache", "index") },
    latency: { server: pick(server, "recent", "latency_ms", "requests") },
    acceptance: { stats: data.stats },
    sources: { server: pick(server, "sources", "recent") },
    index: { server: pick(server, "index"), indexes: data.indexes },
    served: { servers: data.servers.map(({ last_suggestion, recent, ...rest }) => rest) },
  };
  for (const name of NAMES) {
    const room = name === "acceptance" ? half : width;
    change(name, () => panels[name](given[name], room), [given[name], room]);
  }
}

/** The width that a panel has for a drawing. */
function roomIn(id) {
  return Math.max(260, element(id).clientWidth - 40);
}

function pick(server, ...names) {
  return server && Object.fromEntries(names.map((name) => [name, server[name]]));
}

/** Draw a panel if what it shows has changed; what is open, and where the keyboard is, stays. */
function change(id, make, seen) {
  const key = JSON.stringify(seen);
  if (drawn.get(id) === key) return;
  drawn.set(id, key);
  const place = element(id);
  const open = new Set([...place.querySelectorAll("details[open]")].map((each) => each.dataset.key));
  const focus = place.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  const scrolled = new Map([...place.querySelectorAll(".scroll, pre")].map((each) => [each.dataset.key, [each.scrollTop, each.scrollLeft]]));
  place.replaceChildren(...[make()].flat(Number.POSITIVE_INFINITY).filter((each) => each instanceof Node));
  for (const each of place.querySelectorAll("[data-key]")) {
    if (each.localName === "details" && open.has(each.dataset.key)) each.open = true;
    const [top, left] = scrolled.get(each.dataset.key) ?? [0, 0];
    if (top || left) each.scrollTo(left, top);
    if (focus !== undefined && each.dataset.key === focus) each.focus();
  }
}

const title = (one) => `${one.model.name ?? "no model"} · ${one.editors.map((editor) => editor.name).join(", ") || `process ${one.pid}`}`;

function choice(able, server) {
  if (able.length < 2) return server ? h("span", { class: "only" }, title(server)) : [];
  const options = able.map((one) => h("option", { value: one.pid, selected: one === server }, title(one)));
  const select = h("select", { id: "server", "data-key": "server" }, options);
  select.addEventListener("change", () => {
    chosen = Number(select.value);
    draw();
  });
  return [h("label", { for: "server", class: "unseen" }, "Server"), select];
}

element("pause").addEventListener("click", () => {
  isPaused = !isPaused;
  element("pause").setAttribute("aria-pressed", String(isPaused));
  element("pause").textContent = isPaused ? "Go on" : "Pause";
  if (!isPaused) look();
});
document.addEventListener("visibilitychange", () => document.hidden || isPaused || look());
new ResizeObserver(() => data && draw()).observe(document.querySelector("main"));
look();
