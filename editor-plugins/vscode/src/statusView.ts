/**
 * What the status bar shows for a state of the server.
 * Knows no VS Code: icons are the names of its icon font.
 */

/** The server's `didChangeStatus`. */
export interface ServerStatus {
  readonly busy: boolean;
  readonly message: string;
  readonly kind: "Normal" | "Warning" | "Error" | "Inactive";
  /** Why nothing comes by itself in a document, by its URI. */
  readonly silent?: Readonly<Record<string, string>>;
}

export type State =
  | { readonly kind: "missing" }
  | { readonly kind: "off" }
  | { readonly kind: "installing" }
  | { readonly kind: "starting" }
  | { readonly kind: "stopped"; readonly reason: string }
  | { readonly kind: "running"; readonly status: ServerStatus };

export interface View {
  readonly text: string;
  readonly tooltip: string;
  readonly severity: "normal" | "warning" | "error";
}

/** The server's status as it came over the wire, or nothing if it is none. */
export function serverStatus(message: unknown): ServerStatus | undefined {
  if (typeof message !== "object" || message === null) return undefined;
  const { busy, message: text, kind, silent } = message as Record<string, unknown>;
  if (kind !== "Normal" && kind !== "Warning" && kind !== "Error" && kind !== "Inactive") return undefined;
  return {
    busy: busy === true,
    message: typeof text === "string" ? text : "",
    kind,
    ...(typeof silent === "object" && silent !== null ? { silent: silent as Record<string, string> } : {}),
  };
}

/** The item for a state, while a document with this URI is in front. */
export function view(state: State, uri?: string): View {
  switch (state.kind) {
    case "missing":
      return normal("cloud-download", "The server is not installed yet.");
    case "off":
      return normal("circle-slash", "Suggestions are off.");
    case "installing":
      return normal("loading~spin", "The server is being installed.");
    case "starting":
      return normal("loading~spin", "The server is starting.");
    case "stopped":
      return { text: "$(error) codeassist", tooltip: state.reason, severity: "error" };
    case "running":
      return running(state.status, uri);
  }
}

function running({ busy, message, kind, silent }: ServerStatus, uri?: string): View {
  const reason = uri === undefined ? undefined : silent?.[uri];
  if (reason !== undefined && kind === "Normal" && !busy) return normal("circle-slash", `Suggestions are ${reason}.`);
  const icon = busy
    ? "loading~spin"
    : { Normal: "sparkle", Warning: "warning", Error: "error", Inactive: "circle-slash" }[kind];
  const severity = ({ Normal: "normal", Inactive: "normal", Warning: "warning", Error: "error" } as const)[kind];
  return { text: `$(${icon}) codeassist`, tooltip: message || "Ready.", severity };
}

function normal(icon: string, tooltip: string): View {
  return { text: `$(${icon}) codeassist`, tooltip, severity: "normal" };
}
