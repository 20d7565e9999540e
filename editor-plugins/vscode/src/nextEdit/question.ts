/**
 * What is asked of the server about next edits, and how it is reached.
 */
import { type CancellationToken, DiagnosticSeverity, languages, type TextDocument, type TextEditor } from "vscode";

export const HERE = "textDocument/copilotInlineEdit";
export const EVERYWHERE = "codeassist/nextEdits";
export const INVOKED = 1;
export const AUTOMATIC = 2;
export type Kind = typeof INVOKED | typeof AUTOMATIC;

/** The connection to the server, as far as next edits need it. */
export interface Link {
  /** Ask; nothing where no server runs, it was cancelled, or the server knows no such question. */
  ask(method: string, params: object, token?: CancellationToken): Promise<unknown>;
  tell(method: string, params: object): void;
  execute(command: string, args: readonly unknown[]): Promise<void>;
  /** The document's URI as the server is told it. */
  uriOf(document: TextDocument): string;
  warn(error: unknown): void;
}

/** The question at an editor's cursor. The server's name of the document is filled in by the connection. */
export function questionAt(editor: TextEditor, triggerKind: Kind): object {
  const { document, selection } = editor;
  const diagnostics = languages
    .getDiagnostics(document.uri)
    .filter(({ severity }) => severity === DiagnosticSeverity.Error)
    .map(({ range, message }) => ({ line: range.start.line, message }));
  return {
    textDocument: { uri: document.uri.toString(), version: document.version },
    position: { line: selection.active.line, character: selection.active.character },
    context: { triggerKind, diagnostics: diagnostics.slice(0, 20) },
  };
}
