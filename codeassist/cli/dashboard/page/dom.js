/** Elements and numbers. Text from a repository becomes text here and nothing else: no markup is ever parsed. */

const SVG = "http://www.w3.org/2000/svg";
/** What would hide, turn round or end a line: it is spelt out, as the command line does. Line ends and tabs stay. */
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

export function visible(text) {
  return String(text).replace(UNSEEN, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** An element of HTML: attributes by name (false and null: none), children as nodes or text. */
export function h(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** The same of SVG. */
export function s(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value === true ? "" : visible(value));
  }
  for (const child of children.flat(Number.POSITIVE_INFINITY)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : visible(child));
  }
  return element;
}

export function heading(title, ...beside) {
  return h("div", { class: "heading" }, h("h2", {}, title), ...beside);
}

export function empty(...said) {
  return h("p", { class: "empty" }, ...said);
}

export function code(text) {
  return h("code", {}, text);
}

/** A table: what it shows, its headers, its rows; all columns but the first hold numbers or drawings unless `text` names them. */
export function table(caption, headers, rows, text = []) {
  const kind = (column) => (column === 0 || text.includes(column) ? null : rows[0]?.[column] instanceof SVGElement ? "drawn" : "number");
  return h(
    "table",
    {},
    h("caption", { class: "unseen" }, caption),
    h("thead", {}, h("tr", {}, headers.map((header, column) => h("th", { scope: "col", class: kind(column) }, header)))),
    h(
      "tbody",
      {},
      rows.map((row) =>
        h("tr", {}, row.map((cell, column) => h(column ? "td" : "th", { scope: column ? null : "row", class: kind(column) }, cell))),
      ),
    ),
  );
}

/** What can be opened, and stays open when the panel is drawn anew. */
export function details(key, summary, ...children) {
  return h("details", { "data-key": key }, h("summary", { "data-key": `${key} summary` }, summary), ...children);
}

const WHOLE = new Intl.NumberFormat("en");
export const whole = (number) => WHOLE.format(number);
export const percent = (share) => (share === null || share === undefined ? "–" : `${Math.round(share * 100)} %`);

export function ms(value) {
  if (value === undefined || value === null) return "–";
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} s`;
  return value >= 100 ? whole(Math.round(value)) : value.toFixed(1);
}

export function bytes(number) {
  const units = ["B", "KB", "MB", "GB"];
  const step = Math.min(units.length - 1, number > 0 ? Math.floor(Math.log10(number) / 3) : 0);
  return `${step ? (number / 1000 ** step).toFixed(1) : number} ${units[step]}`;
}

export function duration(seconds) {
  const minutes = Math.floor(seconds / 60);
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return minutes ? `${minutes} min ${Math.floor(seconds % 60)} s` : `${Math.floor(seconds)} s`;
}
