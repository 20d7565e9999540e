/**
 * The server's status object as a Markdown page.
 * Knows no field by name: whatever the server tells is shown.
 */

/** A page with one section for each object in `status`. */
export function statusPage(status: unknown): string {
  return ["# codeassist", ...section(status, 2)].join("\n").concat("\n");
}

function section(value: unknown, level: number): string[] {
  if (!isTree(value)) return ["", cell(value)];
  const entries = Object.entries(value);
  const plain = entries.filter(([, entry]) => !isTree(entry));
  const table =
    plain.length === 0
      ? []
      : ["", "| | |", "| --- | --- |", ...plain.map(([name, entry]) => `| ${cell(words(name))} | ${cell(entry)} |`)];
  const trees = entries.filter(([, entry]) => isTree(entry));
  return [
    ...table,
    ...trees.flatMap(([name, entry]) => [
      "",
      `${"#".repeat(Math.min(level, 6))} ${cell(words(name))}`,
      ...section(entry, level + 1),
    ]),
  ];
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function words(name: string): string {
  return name.replaceAll("_", " ");
}

/** Paths and messages are text, never Markdown. */
function cell(value: unknown): string {
  const text = Array.isArray(value) ? value.map(plain).join(", ") : plain(value);
  return text.replace(/[\\`*_{}[\]()#+!|<>~&]/g, "\\$&").replace(/\s+/g, " ");
}

function plain(value: unknown): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : value.toFixed(2);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
