/**
 * Switches suggestions on and off by the settings that everybody can see.
 * It follows the settings.
 */
import { ConfigurationTarget, type Memento, window, workspace } from "vscode";
import type { Mode } from "./menu.ts";

const BEFORE = "modeBeforeOff";
const MODES: readonly (readonly [Mode, string])[] = [
  ["automatic", "They appear while you type."],
  ["manual", "They appear when you ask for one (Alt+\\)."],
  ["off", "No suggestions."],
];

/** Whether the user switched suggestions off here in VS Code. */
export function isOff(): boolean {
  return mode() === "off";
}

export async function setMode(name: Mode): Promise<void> {
  await editorSettings().update("mode", name, ConfigurationTarget.Global);
}

/** Choose when suggestions appear. */
export async function chooseMode(): Promise<void> {
  const current = mode();
  const choices = MODES.map(([name, detail]) => ({
    label: name === current ? `$(check) ${name}` : name,
    detail,
    name,
  }));
  const choice = await window.showQuickPick(choices, { title: "codeassist: when suggestions appear" });
  if (choice !== undefined) await setMode(choice.name);
}

/** When suggestions appear. */
export function mode(): Mode {
  return editorSettings().get<Mode>("mode", "automatic");
}

/** Whether suggestions are off for a language, as far as VS Code's settings say. */
export function isLanguageOff(language: string): boolean {
  return editorSettings().get<string[]>("offLanguages", []).includes(language);
}

/** Off, or back to what was set before. */
export async function toggle(memory: Memento): Promise<void> {
  if (isOff()) {
    const before = memory.get<string>(BEFORE);
    await editorSettings().update("mode", before, ConfigurationTarget.Global);
    return;
  }
  await memory.update(BEFORE, editorSettings().inspect("mode")?.globalValue);
  await setMode("off");
}

/** On or off for the language of the active editor. */
export async function toggleLanguage(): Promise<void> {
  const language = window.activeTextEditor?.document.languageId;
  if (language === undefined) {
    await window.showInformationMessage("codeassist: open a file of the language first.");
    return;
  }
  const found = editorSettings().inspect<string[]>("offLanguages");
  const target = found?.workspaceValue ? ConfigurationTarget.Workspace : ConfigurationTarget.Global;
  const before = (target === ConfigurationTarget.Workspace ? found?.workspaceValue : found?.globalValue) ?? [];
  const after = before.includes(language) ? before.filter((name) => name !== language) : [...before, language];
  await editorSettings().update("offLanguages", after.length > 0 ? after : undefined, target);
  const off = after.includes(language);
  window.setStatusBarMessage(`codeassist: suggestions for ${language} are ${off ? "off" : "on"}`, 5000);
}

function editorSettings() {
  return workspace.getConfiguration("codeassist.editor");
}
