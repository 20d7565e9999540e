/**
 * What the server's status says of its model, and what `codeassist models list --json` says of all of them.
 * Knows no VS Code.
 */

/** The model of the answer to `codeassist.status`. */
export interface ModelFacts {
  readonly name?: string;
  readonly device?: string;
  readonly problem?: string;
  /** What `codeassist models pull` is to fetch: a name, or "auto" for the one that fits the machine. */
  readonly missing?: string;
}

type Json = Readonly<Record<string, unknown>>;

/** An empty object where the answer says nothing. */
export function modelFacts(status: unknown): ModelFacts {
  const model = isObject(status) && isObject(status["model"]) ? status["model"] : {};
  const known: Record<string, string> = {};
  for (const name of ["name", "device", "problem", "missing"]) {
    const value = model[name];
    if (typeof value === "string" && value !== "") known[name] = value;
  }
  return known;
}

/** An entry of the list from which a model is chosen. */
export interface ModelPick {
  readonly label: string;
  readonly description: string;
  readonly detail: string;
  /** The value of `model.name`. */
  readonly name: string;
  readonly isInstalled: boolean;
}

/** The models to choose from: `auto`, then the installed ones, then what can be fetched; `current` is marked. */
export function modelPicks(listed: unknown, current: string): readonly ModelPick[] {
  const { models, suggested } = isObject(listed) ? listed : {};
  const rows = (Array.isArray(models) ? models : []).filter(isObject).filter(({ name }) => typeof name === "string");
  const picks = rows.map((row) => pick(row, row["name"] === suggested, row["name"] === current));
  const auto: ModelPick = {
    label: label("auto", current === "auto"),
    description: typeof suggested === "string" ? `${suggested} fits this machine` : "",
    detail: "The best installed model for this machine.",
    name: "auto",
    isInstalled: picks.some(({ isInstalled }) => isInstalled),
  };
  return [auto, ...picks.filter((each) => each.isInstalled), ...picks.filter((each) => !each.isInstalled)];
}

function pick(row: Json, fits: boolean, isCurrent: boolean): ModelPick {
  const { name, licence, size_bytes: size, state, description, source } = row;
  const isInstalled = state === "installed";
  const about = [
    isInstalled ? "installed" : `${String(state)}${typeof size === "number" ? `, ${gigabytes(size)} to fetch` : ""}`,
    ...(fits ? ["fits this machine"] : []),
    ...(typeof licence === "string" && licence !== "" ? [licence] : []),
  ];
  return {
    label: label(String(name), isCurrent),
    description: about.join(" · "),
    detail: [description, source].filter((text) => typeof text === "string" && text !== "").join(" · "),
    name: String(name),
    isInstalled,
  };
}

function label(name: string, isCurrent: boolean): string {
  return isCurrent ? `$(check) ${name}` : name;
}

function gigabytes(bytes: number): string {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** What is said of a model that is not installed, beside the button that fetches it. `name`: the one in service. */
export function missingText(missing: string, name: string | undefined): string {
  const lack = missing === "auto" ? "No model is installed yet" : `The model ${missing} is not installed`;
  return name === undefined ? `${lack}, so nothing is suggested.` : `${lack}; ${name} goes on suggesting.`;
}

/** What is said when `codeassist models pull --json` has fetched another model than the wanted one. */
export function standInText(pulled: unknown): string | undefined {
  if (!isObject(pulled) || pulled["stands_in"] !== true) return undefined;
  return `The Hugging Face hub cannot be reached: ${String(pulled["name"])} stands in for the model that fits this machine.`;
}

/** What a button that fetches the model says. */
export function fetchTitle(missing: string): string {
  return missing === "auto" ? "Fetch the Model for This Machine" : `Fetch ${missing}`;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
