/**
 * What the menu and the status bar's hover tell, gathered from VS Code and the server.
 */
import { window, workspace } from "vscode";
import type { Situation } from "./menu.ts";
import { isLanguageOff, mode } from "./modes.ts";
import type { Server } from "./server.ts";

export function situation(server: Server): Situation {
  const language = window.activeTextEditor?.document.languageId;
  return {
    state: server.state,
    mode: mode(),
    model: server.model,
    ...(language === undefined ? {} : { language }),
    isLanguageOff: language !== undefined && isLanguageOff(language),
    isInlineSuggestOff: !workspace.getConfiguration().get("editor.inlineSuggest.enabled", true),
  };
}
