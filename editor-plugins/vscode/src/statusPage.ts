/**
 * The server's status object as a Markdown page.
 * Whatever the server tells is shown.
 */

type Tree = Readonly<Record<string, unknown>>;

/** A page with a heading for each object and each list of objects in `status`. */
export function statusPage(status: unknown): string {
  return `# codeassist\n${isTree(status) ? section(status, 2) : `\n${cell(status)}\n`}`;
}

function section(tree: Tree, level: number): string {
  const entries = Object.entries(tree).map(([name, value]) => ({ name: cell(name.replaceAll("_", " ")), value }));
  const plain = entries.filter(({ value }) => !isTree(value) && !isTable(value));
  const own = table(
    ["", ""],
    plain.map(({ name, value }) => [name, cell(value)]),
  );
  const below = entries.map(({ name, value }) => {
    const heading = `\n${"#".repeat(Math.min(level, 6))} ${name}\n`;
    if (isTree(value)) return heading + section(value, level + 1);
    return isTable(value) ? heading + listed(value) : "";
  });
  return [own, ...below].join("");
}

function listed(rows: readonly Tree[]): string {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return table(
    names.map((name) => cell(name.replaceAll("_", " "))),
    rows.map((row) => names.map((name) => cell(row[name]))),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |\n`);
  return `\n${lines.join("")}`;
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTable(value: unknown): value is readonly Tree[] {
  return Array.isArray(value) && value.length > 0 && value.every(isTree);
}

/** Paths and messages are text, never Markdown. */
function cell(value: unknown): string {
  const text = Array.isArray(value) ? value.map(plain).join(", ") : plain(value);
  return text.replace(/[\\`*_{}[\]()#+!|<>~&]/g, "\\$&").replace(/\s+/g, " ");
}

function plain(value: unknown): string {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : value.toFixed(2);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
