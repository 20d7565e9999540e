/**
 * The status bar's menu: what is, and what can be done about it.
 * Knows no VS Code: icons are the names of its icon font.
 */
import { fetchTitle, type ModelFacts } from "./modelFacts.ts";
import type { State } from "./statusView.ts";

export type Mode = "automatic" | "manual" | "off";

/** Everything that the menu says. */
export interface Situation {
  readonly state: State;
  readonly mode: Mode;
  readonly model: ModelFacts;
  /** Of the active editor. */
  readonly language?: string;
  readonly isLanguageOff: boolean;
  /** VS Code's own `editor.inlineSuggest.enabled`: without it nothing is ever shown, and nothing says why. */
  readonly isInlineSuggestOff: boolean;
}

export interface MenuEntry {
  readonly label: string;
  readonly description?: string;
  readonly command: string;
  readonly argument?: string;
}

const INLINE_SUGGEST = "editor.inlineSuggest.enabled";
const MODES: Readonly<Record<Mode, string>> = {
  automatic: "automatic: they appear while you type",
  manual: "manual: they appear when you ask for one",
  off: "off",
};

export function menuEntries({
  state,
  mode,
  model,
  language,
  isLanguageOff,
  isInlineSuggestOff,
}: Situation): MenuEntry[] {
  const runs = state.kind === "running";
  const isInstalled = state.kind !== "missing";
  return [
    ...(isInlineSuggestOff
      ? [
          {
            label: `$(warning) ${INLINE_SUGGEST} is off`,
            command: "workbench.action.openSettings",
            argument: INLINE_SUGGEST,
          },
        ]
      : []),
    ...(isInstalled ? [] : [entry("cloud-download", "Install the server…", "installServer")]),
    ...(model.missing === undefined ? [] : [entry("cloud-download", fetchTitle(model.missing), "pullModel")]),
    ...(isInstalled ? [entry("chip", "Model", "chooseModel", modelText(model))] : []),
    entry("lightbulb", "Suggestions", "chooseMode", MODES[mode]),
    ...(language ? [entry("code", `Suggestions for ${language}`, "toggleLanguage", isLanguageOff ? "off" : "on")] : []),
    ...(runs ? [entry("question", "Explain the last suggestion", "explainLast")] : []),
    ...(runs ? [entry("edit", "List the next edits", "listNextEdits")] : []),
    ...(runs ? [entry("pulse", "Show status", "showStatus")] : []),
    ...(runs ? [entry("database", "Index the workspace again", "reindexWorkspace")] : []),
    entry("output", "Show the log", "showLog"),
    entry("debug-restart", "Restart the server", "restartServer"),
    entry("checklist", "Look for problems", "doctor"),
    ...(isInstalled ? [entry("book", "Read the documentation", "openDocs")] : []),
    entry("settings-gear", "Open settings", "openSettings"),
  ];
}

function entry(icon: string, label: string, command: string, description?: string): MenuEntry {
  const said = description === undefined ? {} : { description };
  return { label: `$(${icon}) ${label}`, command: `codeassist.${command}`, ...said };
}

function modelText({ name, device, missing }: ModelFacts): string {
  if (name !== undefined) return device === undefined ? name : `${name} on ${device}`;
  return missing === undefined || missing === "auto" ? "none yet" : `${missing}, which is not installed`;
}

/** What the status bar says on hover, a line each. */
export function hoverLines(tooltip: string, situation: Situation, timing: string | undefined): string {
  const { state, mode, model, language, isLanguageOff } = situation;
  const lines = [`codeassist: ${tooltip}`];
  if (state.kind === "running") {
    if (model.name !== undefined) lines.push(`Model: ${modelText(model)}`);
    lines.push(`Suggestions: ${mode}${language !== undefined && isLanguageOff ? `, off for ${language}` : ""}`);
    if (timing !== undefined) lines.push(timing);
  }
  return lines.join("\n");
}
