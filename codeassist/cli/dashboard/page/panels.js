/** The panels: what a server says, what was counted and what an index holds, each as elements. */

import { bar, cacheStrip, countOf, dayColumns, requestColumns, SLOT_STATES, STAGES, swatch, timeRange } from "./charts.js";
import { bytes, code, details, duration, empty, h, heading, ms, percent, table, whole } from "./dom.js";

const MOST_REQUESTS = 80;
const SLOTS_TOLD = {
  exact: "as a fresh reading of the prompt would give",
  stale: "computed here, before an edit in front of it",
  shifted: "moved with its text, keys rotated again",
  placed: "a snippet's states from an earlier prompt",
  missing: "not read yet",
};
const ACTS_TOLD = { agreed: "agreed", overruled: "overruled", outweighed: "outweighed", late: "late", abstained: "did not know", suspected: "perhaps wrongly" };

export function tiles({ server, stats }) {
  const latency = server?.latency_ms?.total;
  const cache = server?.cache;
  const shown = stats.shown ?? 0;
  return [
    h(
      "dl",
      {},
      tile("Model", server?.model?.name ?? "none", server ? modelNote(server.model) : "no server runs"),
      tile("Typical answer", latency ? `${ms(latency.p50)} ms` : "–", latency ? `19 of 20 within ${ms(latency.p95)} ms` : "no request yet"),
      tile("Prompt reused", server ? percent(server.tokens.reused_share) : "–", server ? `of ${whole(server.tokens.prompt)} tokens` : "no request yet"),
      tile("States exact", cache ? percent(cache.exact_share) : "–", cache ? `of ${whole(cache.slots)} kept` : server ? "busy, or no model of its own" : "no cache"),
      tile("Accepted", percent(stats.acceptance_rate), shown ? `of ${whole(shown)} shown in ${stats.days} days` : `nothing shown in ${stats.days} days`),
      tile("Still there", percent(stats.kept_share), "of what was accepted, 30 s later"),
    ),
  ];
}

function tile(name, value, note) {
  return h("div", { class: "tile" }, h("dt", {}, name), h("dd", { class: "value" }, value), h("dd", { class: "note" }, note));
}

function modelNote(model) {
  if (model.loading) return `loading: ${model.loading}`;
  return model.problem ?? (model.device ? `on ${model.device}` : "none in service");
}

export function suggestion({ server, found }) {
  const title = "Last suggestion";
  if (!server) return [heading(title), noServer()];
  if (found?.text === undefined)
    return [heading(title), empty("Nothing has been suggested in an open document yet. Type in your editor: what it shows appears here.")];
  const where = h("span", { class: "beside" }, code(`${found.path}:${found.around.line}`));
  return [
    heading(title, where),
    h("div", { class: "halves" }, h("div", {}, inCode(found), legend(), below(found)), h("div", {}, snippets(found), monitors(found, server.monitors))),
  ];
}

function noServer() {
  return empty("No server runs. Your editor starts one; so does ", code("codeassist serve --shared"), ". This page notices by itself.");
}

/** The suggestion where it stands, each token as sure as the model was of it. */
function inCode(found) {
  const { before, after } = found.around;
  return h(
    "pre",
    { class: "code", tabindex: 0, "data-key": "code", "aria-label": "The suggestion in its place" },
    h("span", { class: "around" }, before.replace(/^\n/, "")),
    h("ins", { "aria-label": "suggested" }, tokensOf(found)),
    h("span", { class: "around" }, after),
  );
}

/** The tokens that write what is suggested; all in one where fitting or typing changed too much to tell. */
function tokensOf(found) {
  const raw = found.tokens.map((token) => token.text).join("");
  const from = raw.indexOf(found.text);
  if (from < 0 || found.text === "") return [found.text];
  let at = 0;
  const pieces = [];
  for (const { text, probability } of found.tokens) {
    const piece = text.slice(Math.max(0, from - at), Math.max(0, from + found.text.length - at));
    at += text.length;
    if (piece) pieces.push(h("span", { class: `token ${sureness(probability)}`, title: `${(probability * 100).toFixed(1)} %` }, piece));
  }
  return pieces;
}

function sureness(probability) {
  if (probability >= 0.9) return "sure";
  if (probability >= 0.6) return "likely";
  return probability >= 0.3 ? "open" : "guess";
}

function legend() {
  const entries = [["sure", "90 % and more"], ["likely", "60 %"], ["open", "30 %"], ["guess", "less"]];
  return h("p", { class: "legend" }, "Probability of a token: ", entries.map(([kind, told]) => h("span", { class: `token ${kind}` }, told)));
}

function below(found) {
  const sure = found.confidence === null ? "" : `, mean token probability ${found.confidence.toFixed(2)}`;
  const cost = `${found.model}: ${whole(found.num_prompt_tokens)} prompt tokens, ${whole(found.num_cached_tokens)} of them reused; ${whole(found.num_new_tokens)} new${sure}`;
  const left = found.sent ? `Sent to ${found.sent.url}: ${whole(found.sent.num_chars)} characters in ${found.sent.num_snippets} snippets and this file.` : "Nothing of it left this machine.";
  return [
    h("p", { class: "facts" }, cost),
    h("p", { class: "facts" }, left),
    found.notices.map((notice) => h("p", { class: "notice" }, notice)),
    found.tokens.length > 0 &&
      details("tokens", "Token by token", table("Tokens of the answer as it was written", ["token", "probability"], found.tokens.map((token) => [code(JSON.stringify(token.text)), percent(token.probability)]))),
    details("stages", "Its time by stage", table("Milliseconds by stage", ["stage", "ms"], Object.entries(found.stage_ms).map(([stage, took]) => [stage.replace("_", " "), ms(took)]))),
  ];
}

function snippets(found) {
  if (!found.snippets.length) return [h("h3", {}, "From other files"), empty("Nothing from other files was used.")];
  const most = Math.max(...found.snippets.map((snippet) => snippet.num_tokens));
  return [
    h("h3", {}, `From other files: ${found.snippets.length} snippets`),
    found.snippets.map((snippet, number) => {
      const ofPackage = snippet.library ? `${snippet.library}: ` : "";
      const where = `${ofPackage}${snippet.path}:${snippet.start_line}–${snippet.end_line - 1}`;
      return details(
        `snippet ${number}`,
        h(
          "span",
          { class: "snippet" },
          h("span", { class: "where" }, where),
          h("span", { class: "badge" }, snippet.source),
          h("span", { class: "amount" }, bar([["tokens", snippet.num_tokens]], most, `${snippet.num_tokens} tokens`), h("span", {}, `${whole(snippet.num_tokens)} tokens`)),
          h("span", { class: "why" }, snippet.reason),
        ),
        h("pre", { class: "code", tabindex: 0, "data-key": `snippet ${number} code` }, snippet.text),
      );
    }),
    found.late_sources.length > 0 && h("p", { class: "notice" }, `Late, and left out: ${found.late_sources.join(", ")}`),
  ];
}

function monitors(found, counts) {
  const inAll = Object.entries(counts ?? {}).filter(([, count]) => count);
  return [
    h("h3", {}, "Monitors"),
    !found.monitors.length && empty("No name stood where static analysis could know the possible ones."),
    inAll.length > 0 && h("p", { class: "facts" }, "In all answers of this server: ", inAll.map(([outcome, count]) => `${whole(count)} ${ACTS_TOLD[outcome] ?? outcome}`).join(", ")),
    found.monitors.length > 0 && h("ul", { class: "acts" }, found.monitors.map((act) => h("li", {}, h("span", { class: `badge ${act.outcome}` }, ACTS_TOLD[act.outcome] ?? act.outcome), " ", actTold(act)))),
  ];
}

function actTold(act) {
  const place = [`${act.kind} `, act.name ? code(act.name) : "without a name"];
  if (act.outcome === "late") return [place, ": the analysis was late"];
  if (act.outcome === "abstained") return [place, ": the analysis does not know what can stand there"];
  const some = act.some.length ? ` (${act.some.join(", ")}${act.num_allowed > act.some.length ? ", …" : ""})` : "";
  const names = `${whole(act.num_allowed)} ${act.strength === "likely" ? "likely " : ""}names found by ${act.source}${some}`;
  if (act.outcome === "overruled") return [place, ": the model would have written ", code(JSON.stringify(act.wanted)), `, which is none of the ${names}`];
  if (act.outcome === "outweighed") return [place, `: none of the ${names}, but the model was sure enough of it`];
  return [place, `: one of the ${names}`];
}

export function cache({ server }, width) {
  const title = "Live cache";
  if (!server) return [heading(title), noServer()];
  const strips = server.cache?.strips ?? [];
  if (!strips.length) return [heading(title), empty("No prompt is kept now: the model is busy or elsewhere, or nothing was asked yet.")];
  return [
    heading(title, h("span", { class: "beside" }, strips.length > 1 ? `the ${strips.length} prompts used last, the newest first` : "the prompt used last")),
    strips.map((strip) => [h("p", { class: "strip" }, code(inItsRepository(strip.name, server.index)), stripTold(strip)), cacheStrip(strip, width)]),
    h("ul", { class: "slots" }, SLOT_STATES.map((state) => h("li", {}, swatch(state), h("b", {}, state), h("span", {}, SLOTS_TOLD[state])))),
    h("p", { class: "facts" }, "The thin bar: snippets of other files, then this file. What an edit made inexact is made exact again while you think."),
    details("slots", "Slot by slot", strips.map((strip) => table(`Runs of slots of ${strip.name}`, ["from", "to", "state"], strip.runs.map(([state, start, stop]) => [whole(start), whole(stop - 1), state]), [2]))),
  ];
}

/** A document's address as its path in the repository that it belongs to, if it belongs to one. */
function inItsRepository(name, index) {
  const root = index.map((each) => `file://${encodeURI(each.root)}/`).find((each) => name.startsWith(each));
  return root ? decodeURIComponent(name.slice(root.length)) : name || "a prompt";
}

function stripTold(strip) {
  const total = Math.max(0, ...strip.runs.map(([, , stop]) => stop));
  const ofOthers = strip.snippets.reduce((sum, [start, stop]) => sum + stop - start, 0);
  const counts = SLOT_STATES.map((state) => [state, countOf(strip.runs, state)]).filter(([, count]) => count);
  const kinds = counts.map(([state, count]) => `${whole(count)} ${state}`).join(", ");
  return ` · ${whole(total)} slots${ofOthers ? `, ${whole(ofOthers)} of other files` : ""} · ${kinds}`;
}

export function latency({ server }, width) {
  const title = "Where the time goes";
  if (!server) return [heading(title), noServer()];
  const asked = (server.recent ?? []).filter((request) => !["refused", "cancelled"].includes(request.outcome)).slice(-MOST_REQUESTS);
  if (!asked.length) return [heading(title), empty("No request was answered yet.")];
  const rows = Object.entries(server.latency_ms);
  const most = Math.max(...rows.map(([, times]) => times.p95), 1);
  const counts = Object.entries(server.requests.counts);
  return [
    heading(title, h("span", { class: "beside" }, counts.map(([outcome, count]) => h("span", { class: `count ${outcome}` }, `${whole(count)} ${outcome}`)))),
    h("div", { class: "two-thirds" },
      h("div", {},
        requestColumns(asked, width > 900 ? width * 0.58 : width),
        h("p", { class: "legend" }, "ms of the last requests: ", STAGES.map((stage) => h("span", {}, h("i", { class: `key ${stage}` }), stage.replace("_", " ")))),
      ),
      table(
        "Milliseconds by stage",
        ["stage", "p50", "p90", "p95", "p99", "p50 to p95"],
        rows.map(([stage, times]) => [h("span", {}, h("i", { class: `key ${stage}` }), stage.replace("_", " ")), ms(times.p50), ms(times.p90), ms(times.p95), ms(times.p99), timeRange(times, most)]),
      ),
    ),
  ];
}

export function acceptance({ stats }, width) {
  const title = "Acceptance";
  if (stats.problem) return [heading(title), h("p", { class: "notice" }, stats.problem)];
  if (!stats.suggestions)
    return [heading(title), empty(`Nothing was counted in the last ${stats.days} days. Editors show suggestions, and their servers count: numbers, no text, on this machine (`, code("feedback.count"), " switches it off).")];
  const languages = Object.entries(stats.by_language).sort(([, one], [, other]) => other.shown - one.shown);
  const rows = (groups) => groups.map(([name, found]) => [name, whole(found.shown), whole(found.accepted), percent(found.acceptance_rate), percent(found.kept_share)]);
  const headers = ["shown", "accepted", "rate", "kept"];
  return [
    heading(title, h("span", { class: "beside" }, `${whole(stats.accepted)} of ${whole(stats.shown)}, ${whole(stats.accepted_in_part)} more in part`)),
    dayColumns(stats.by_day, stats.days, width),
    h("p", { class: "legend" }, h("span", {}, h("i", { class: "key shown" }), "shown"), h("span", {}, h("i", { class: "key accepted" }), "accepted")),
    table("Acceptance by language", ["language", ...headers], rows(languages)),
    details("models", "By model, and by day",
      table("Acceptance by model", ["model", ...headers], rows(Object.entries(stats.by_model))),
      table("Acceptance by day", ["day", "shown", "accepted", "rate"], Object.entries(stats.by_day).reverse().map(([day, found]) => [day, whole(found.shown), whole(found.accepted), percent(found.acceptance_rate)])),
    ),
  ];
}

export function sources({ server }) {
  const title = "Context by source";
  if (!server) return [heading(title), noServer()];
  const all = Object.entries(server.sources ?? {});
  const rows = all.filter(([, found]) => found.snippets);
  const late = all.filter(([, found]) => found.late).map(([source, found]) => `${source} ${whole(found.late)}`);
  if (!all.length) return [heading(title), empty("No snippet of another file went into a prompt yet.")];
  const most = Math.max(...rows.map(([, found]) => found.tokens), 1);
  return [
    heading(title, h("span", { class: "beside" }, `the last ${whole((server.recent ?? []).length)} requests`)),
    table(
      "What each source of context brought into prompts",
      ["source", "tokens", "snippets", "requests", ""],
      rows.map(([source, found]) => [source, whole(found.tokens), whole(found.snippets), whole(found.requests), bar([["tokens", found.tokens]], most, `${found.tokens} tokens`)]),
    ),
    late.length > 0 && h("p", { class: "facts" }, `Late, and left out: ${late.join(", ")}`),
  ];
}

export function index({ server, indexes }) {
  const title = "Index";
  if (!indexes.length)
    return [heading(title), empty("No repository is open, and none is in the folder where the dashboard was started.")];
  return [heading(title), indexes.map((each) => repository(each, (server?.index ?? []).find((told) => told.root === each.root)))];
}

function repository(found, told) {
  const head = h("h3", {}, h("span", { class: "where" }, found.root));
  const state = told && h("p", { class: "facts" }, `${whole(told.indexed)} of ${whole(told.total)} files looked at${told.building ? ", being built" : ", kept current by a server"}`);
  const problems = [found.problem, ...(told?.problems ?? [])].filter(Boolean).map((problem) => h("p", { class: "notice" }, problem));
  if (found.problem) return [head, state, problems];
  if (!found.is_indexed) return [head, state, problems, empty("Not indexed yet. ", code("codeassist index"), " does it now, the first completion by itself.")];
  const most = Math.max(...found.folders.map((folder) => folder.num_files), 1);
  const skipped = Object.entries(found.skipped_by_reason);
  const rows = found.folders.map((folder) => {
    const left = folder.num_files - folder.num_indexed;
    const name = folder.folder === "" ? "(the root)" : folder.is_rest ? `${folder.folder}/ (its own)` : `${folder.folder}/`;
    return [
      h("span", { class: "where" }, name.split("/").flatMap((part, depth) => (depth ? ["/", h("wbr"), part] : [part]))),
      whole(folder.num_indexed),
      left ? whole(left) : "",
      bytes(folder.num_bytes),
      bar([["indexed", folder.num_indexed], ["left", left]], most, `${folder.num_indexed} of ${folder.num_files} files`),
    ];
  });
  return [
    head,
    state,
    problems,
    h("p", { class: "facts" }, `${whole(found.num_files)} files, ${whole(found.num_symbols)} symbols, ${whole(found.num_chunks)} chunks, ${bytes(found.num_bytes)}`),
    h("div", { class: "scroll", tabindex: 0, "data-key": `folders ${found.root}`, role: "region", "aria-label": `Folders of ${found.root}` },
      table("Index by folder", ["folder", "searched", "left out", "size", ""], rows)),
    skipped.length > 0 && h("p", { class: "facts" }, `Left out: ${skipped.map(([reason, count]) => `${whole(count)} ${reason}`).join(", ")}`),
  ];
}

export function served({ servers }) {
  const title = "Served now";
  if (!servers.length) return [heading(title), noServer()];
  return [heading(title, h("span", { class: "beside" }, servers.length === 1 ? "1 server" : `${servers.length} servers`)), servers.map(process)];
}

function process(one) {
  if (one.problem) return [h("h3", {}, `Process ${one.pid}`), h("p", { class: "notice" }, one.problem)];
  const editors = one.editors.map((editor) => (editor.pid === null ? editor.name : `${editor.name} (process ${editor.pid})`)).join(", ");
  const known = one.results;
  const rows = [
    ["model", one.model.name ?? "none"],
    ["device", one.model.device ?? "–"],
    ["editors", editors || "none"],
    ["shared", one.shared ? `ends ${duration(one.shared.linger_s)} after the last window` : "no, one editor has it to itself"],
    ["documents", whole(one.documents)],
    ["up for", duration(one.uptime_s)],
    ["threads", one.threads ?? "–"],
    ["known answers", `${whole(known.hits)} given again, ${whole(known.along)} typed along, ${whole(known.missed)} asked of the model`],
    ["address", code(one.address)],
    ["version", one.version],
  ];
  const said = [one.model.problem, ...one.model.notices].filter(Boolean);
  return [
    h("h3", {}, `Process ${one.pid}`),
    h("dl", { class: "facts-list" }, rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
    said.map((line) => h("p", { class: "notice" }, line)),
  ];
}
