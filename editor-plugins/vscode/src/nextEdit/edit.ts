/**
 * One next edit as the server sends it, and what of its lines differs.
 * Knows no VS Code.
 */

/** An edit that can be shown: its lines in the document, what becomes of them, and what the server calls it. */
export interface NextEdit {
  readonly id: string;
  readonly uri: string;
  readonly path: string;
  /** From 0: where `old` begins. */
  readonly line: number;
  readonly old: readonly string[];
  readonly new: readonly string[];
  readonly reason: string;
  /** What the server is handed back with what is told about the edit. */
  readonly item: unknown;
}

/** The edits of an answer; what is none is left out. */
export function editsOf(answer: unknown): NextEdit[] {
  const edits = typeof answer === "object" && answer !== null && "edits" in answer ? answer.edits : undefined;
  return Array.isArray(edits) ? edits.flatMap((each) => editOf(each) ?? []) : [];
}

/** Why an answer holds no edit, as the server says. */
export function whyNone(answer: unknown): string | undefined {
  const why = typeof answer === "object" && answer !== null && "whyNone" in answer ? answer.whyNone : undefined;
  return typeof why === "string" ? why : undefined;
}

interface Wire {
  readonly textDocument?: { readonly uri?: unknown };
  readonly command?: { readonly arguments?: readonly unknown[] };
  readonly path?: unknown;
  readonly line?: unknown;
  readonly old?: unknown;
  readonly new?: unknown;
  readonly reason?: unknown;
}

function editOf(item: unknown): NextEdit | undefined {
  if (typeof item !== "object" || item === null) return undefined;
  const wire = item as Wire;
  const id = wire.command?.arguments?.[0];
  const uri = wire.textDocument?.uri;
  if (typeof id !== "string" || typeof uri !== "string" || !Number.isInteger(wire.line)) return undefined;
  if (!isLines(wire.old) || !isLines(wire.new)) return undefined;
  const reason = typeof wire.reason === "string" ? wire.reason : "";
  const path = typeof wire.path === "string" ? wire.path : uri;
  return { id, uri, path, line: wire.line as number, old: wire.old, new: wire.new, reason, item };
}

function isLines(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((line) => typeof line === "string" && !/[\r\n]/.test(line));
}

/** Whether a document of these lines still has the edit's old ones at their place. */
export function fits(edit: NextEdit, lineCount: number, lineAt: (line: number) => string): boolean {
  if (edit.line < 0 || edit.line > lineCount || edit.line + edit.old.length > lineCount) return false;
  return edit.old.every((line, at) => lineAt(edit.line + at) === line);
}

/** How many characters at the beginning and at the end of two lines are the same; no character is cut in two. */
export function sameEnds(old: string, now: string): { readonly head: number; readonly tail: number } {
  const most = Math.min(old.length, now.length);
  let head = 0;
  while (head < most && old[head] === now[head]) head += 1;
  if (head > 0 && isHighSurrogate(old, head - 1)) head -= 1;
  let tail = 0;
  while (tail < most - head && old[old.length - 1 - tail] === now[now.length - 1 - tail]) tail += 1;
  if (tail > 0 && isLowSurrogate(old, old.length - tail)) tail -= 1;
  return { head, tail };
}

function isHighSurrogate(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xd800;
}

function isLowSurrogate(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xdc00;
}

/** "3 more places in 2 files" */
export function summary(edits: readonly NextEdit[]): string {
  const numFiles = new Set(edits.map(({ uri }) => uri)).size;
  return `${edits.length} more ${edits.length === 1 ? "place" : "places"} in ${numFiles} ${numFiles === 1 ? "file" : "files"}`;
}
