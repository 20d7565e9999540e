/**
 * The server's status object as a Markdown page for people: sentences and tables, in words.
 * Knows no VS Code. What the object does not have is not spoken of; what nobody reads here (process counters) is left to the log.
 */
import { missingText } from "./modelFacts.ts";

type Json = Readonly<Record<string, unknown>>;

const STAGES: Readonly<Record<string, string>> = {
  total: "all of it",
  debounce: "waiting for a pause in the typing",
  queue: "waiting for another request",
  retrieve: "looking for code in other files",
  prompt: "laying out the prompt",
  sync: "reading what is new of the prompt",
  first_token: "the first word",
  decode: "the rest",
  trim: "fitting it to the place",
};
const OUTCOMES: Readonly<Record<string, string>> = {
  answered: "answered by the model",
  cached: "known already",
  empty: "nothing to say",
  withheld: "held back, for the model was not sure",
  outdated: "the text went on meanwhile",
  refused: "not served",
  cancelled: "not wanted any more",
  failed: "failed",
};

export function statusPage(status: unknown): string {
  const all = object(status);
  const parts = [
    ["Model", model(object(all["model"]), all)],
    ["Suggestions since the server started", outcomes(object(object(all["requests"])["counts"]))],
    ["How long they took", latencies(object(all["latency_ms"]))],
    ["What was reused", reused(object(all["tokens"]), object(all["cache"]))],
    ["Index", index(list(all["index"]))],
    ["Server", server(all)],
  ] as const;
  const said = parts.filter(([, body]) => body !== "").map(([title, body]) => `\n## ${title}\n\n${body}`);
  return `# codeassist\n${said.join("")}`;
}

function model({ name, device, problem, missing, loading, notices }: Json, { threads }: Json): string {
  const where = device === "remote" ? "a server elsewhere" : text(device);
  const cores = typeof threads === "number" ? `, ${count(threads, "thread")}` : "";
  return sentences([
    typeof name === "string" ? `**${cell(name)}** on ${cell(where)}${cores}.` : "No model is in service.",
    typeof loading === "string" ? `Being loaded: ${cell(loading)}.` : undefined,
    typeof missing === "string"
      ? `${cell(missingText(missing, typeof name === "string" ? name : undefined))} The status bar's menu fetches it.`
      : typeof problem === "string"
        ? `Problem: ${cell(problem)}`
        : undefined,
    ...strings(notices).map((notice) => `Note: ${cell(notice)}`),
  ]);
}

function outcomes(counts: Json): string {
  const rows = Object.entries(OUTCOMES).flatMap(([name, words]) =>
    typeof counts[name] === "number" && counts[name] > 0 ? [[words, whole(counts[name])]] : [],
  );
  return table(["requests", ""], rows) || sentences(["None yet."]);
}

function latencies(byStage: Json): string {
  const rows = Object.entries(STAGES).flatMap(([name, words]) => {
    const { p50, p95 } = object(byStage[name]);
    return typeof p50 === "number" && typeof p95 === "number" ? [[words, ms(p50), ms(p95)]] : [];
  });
  return table(["", "half within", "95 of 100 within"], rows);
}

function reused(tokens: Json, cache: Json): string {
  const share = tokens["reused_share"];
  const exact = cache["exact_share"];
  return sentences([
    typeof share === "number" ? `${percent(share)} of what stood in prompts did not have to be read again.` : undefined,
    typeof exact === "number" ? `${percent(exact)} of what the cache holds is exact.` : undefined,
  ]);
}

function index(roots: readonly Json[]): string {
  return roots
    .map(({ root, indexed, total, building, problems }) => {
      const files = typeof total === "number" ? `${whole(indexed)} of ${whole(total)} files` : "not looked at yet";
      return sentences([
        `${cell(text(root))}: ${files}${building === true ? ", being brought up to date" : ""}.`,
        ...strings(problems).map((problem) => `Problem: ${cell(problem)}`),
      ]);
    })
    .join("\n");
}

function server({ version, pid, uptime_s: uptime, editors, shared, feedback }: Json): string {
  const windows = list(editors).map(({ name }) => cell(text(name)));
  const { problem } = object(feedback);
  return sentences([
    typeof version === "string" ? `codeassist ${cell(version)}, process ${text(pid)}.` : undefined,
    typeof uptime === "number" ? `It has run for ${duration(uptime)}.` : undefined,
    windows.length > 0 ? `It serves ${windows.join(", ")}.` : undefined,
    isObject(shared) ? "Windows share it." : undefined,
    typeof problem === "string" ? `Problem: ${cell(problem)}` : undefined,
  ]);
}

function sentences(lines: readonly (string | undefined)[]): string {
  const said = lines.filter((line) => line !== undefined);
  return said.length === 0 ? "" : `${said.join("\\\n")}\n`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const align = head.map((_, column) => (column === 0 ? "---" : "---:"));
  return [head, align, ...rows].map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function object(value: unknown): Json {
  return isObject(value) ? value : {};
}

function list(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}

function text(value: unknown): string {
  return value === null || value === undefined || value === "" ? "–" : String(value);
}

function whole(value: unknown): string {
  return typeof value === "number" ? value.toLocaleString("en") : "–";
}

function count(number: number, noun: string): string {
  return `${whole(number)} ${noun}${number === 1 ? "" : "s"}`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function ms(value: number): string {
  return value < 10 ? `${value.toFixed(1)} ms` : `${whole(Math.round(value))} ms`;
}

function duration(seconds: number): string {
  if (seconds < 90) return count(Math.round(seconds), "second");
  if (seconds < 5_400) return count(Math.round(seconds / 60), "minute");
  return count(Math.round(seconds / 3_600), "hour");
}

/** Paths and messages are text, never Markdown. */
function cell(value: string): string {
  return value.replace(/[\\`*_{}[\]()#+!|<>~&]/g, "\\$&").replace(/\s+/g, " ");
}
