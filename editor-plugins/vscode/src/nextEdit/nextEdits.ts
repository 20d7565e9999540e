/**
 * The next edit in the active editor: asked for after an edit, drawn, gone to, taken, turned down.
 * What is shown always fits: before each step the document is looked at as it is now. The cursor moves only when the
 * user presses Tab at the hint that says where it goes.
 */
import {
  CancellationTokenSource,
  commands,
  type Disposable,
  Range,
  Selection,
  type TextDocument,
  type TextDocumentChangeEvent,
  TextDocumentChangeReason,
  type TextEditor,
  TextEditorRevealType,
  window,
  workspace,
} from "vscode";
import { Decorations } from "./decorations.ts";
import { editsOf, fits, type NextEdit, whyNone } from "./edit.ts";
import type { Places } from "./places.ts";
import { AUTOMATIC, HERE, INVOKED, type Kind, type Link, questionAt } from "./question.ts";

const VISIBLE = "codeassist.nextEditVisible";
/** Between two keys nobody waits for a next edit. */
const PAUSE_MS = 250;

interface Shown {
  readonly editor: TextEditor;
  readonly edit: NextEdit;
  readonly version: number;
  isFar: boolean;
}

export class NextEdits implements Disposable {
  private readonly link: Link;
  private readonly places: Places;
  private readonly decorations = new Decorations();
  private readonly listeners: Disposable[];
  private shown: Shown | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asking: CancellationTokenSource | undefined;

  constructor(link: Link, places: Places) {
    this.link = link;
    this.places = places;
    this.listeners = [
      workspace.onDidChangeTextDocument((event) => this.changed(event)),
      window.onDidChangeActiveTextEditor(() => this.drop()),
      window.onDidChangeTextEditorVisibleRanges(({ textEditor }) => this.redraw(textEditor)),
      window.onDidChangeTextEditorSelection(({ textEditor }) => this.redraw(textEditor)),
    ];
  }

  /** Ask for the next edit here, and say why there is none. */
  async ask(): Promise<void> {
    const why = await this.look(INVOKED);
    if (why !== undefined) window.setStatusBarMessage(`codeassist: ${why}`, 5000);
  }

  /** Go to the edit that is out of sight, or take the one in sight. */
  async goOrTake(): Promise<void> {
    const shown = this.current();
    if (shown === undefined) return;
    const { editor, edit } = shown;
    if (shown.isFar) {
      const place = editor.document.lineAt(Math.min(edit.line, editor.document.lineCount - 1));
      const start = place.range.start.translate(0, place.firstNonWhitespaceCharacterIndex);
      editor.selection = new Selection(start, start);
      editor.revealRange(new Range(start, start), TextEditorRevealType.InCenterIfOutsideViewport);
      this.link.tell("codeassist/didJumpToEdit", { item: edit.item });
      shown.isFar = false;
      this.decorations.draw(editor, edit);
      return;
    }
    await this.hide();
    if (!(await this.places.take(edit, editor.document))) return;
    const why = await this.look(AUTOMATIC);
    if (why !== undefined) await this.places.count(editor);
  }

  /** Turn down what is shown: it does not come back. */
  async dismiss(): Promise<void> {
    const shown = this.current();
    if (shown === undefined) return;
    await this.hide();
    await this.link.execute("codeassist.dismissEdit", [shown.edit.id]);
  }

  dispose(): void {
    this.drop();
    for (const each of [...this.listeners, this.decorations]) each.dispose();
  }

  private changed({ document, contentChanges, reason }: TextDocumentChangeEvent): void {
    if (contentChanges.length === 0 || document !== window.activeTextEditor?.document) return;
    this.drop();
    if (!isWritten(document) || reason === TextDocumentChangeReason.Undo) return;
    this.timer = setTimeout(() => {
      this.look(AUTOMATIC).catch((error: unknown) => this.link.warn(error));
    }, PAUSE_MS);
  }

  /** Ask for the active editor, and show what comes. Returns why nothing does. */
  private async look(kind: Kind): Promise<string | undefined> {
    this.drop();
    const editor = window.activeTextEditor;
    if (editor === undefined || !isWritten(editor.document)) return "there is no file to write in";
    const { document } = editor;
    const { version } = document;
    const asking = new CancellationTokenSource();
    this.asking = asking;
    const answer = await this.link.ask(HERE, questionAt(editor, kind), asking.token);
    if (this.asking !== asking || document.version !== version || window.activeTextEditor !== editor) {
      return "the text has changed meanwhile";
    }
    const [edit] = editsOf(answer);
    if (edit === undefined) return whyNone(answer) ?? "no next edit";
    return (await this.show(editor, edit)) ? undefined : "the text has changed meanwhile";
  }

  private async show(editor: TextEditor, edit: NextEdit): Promise<boolean> {
    const { document } = editor;
    if (edit.uri !== this.link.uriOf(document) || !isFitting(edit, document)) return false;
    this.shown = { editor, edit, version: document.version, isFar: isOutOfSight(editor, edit) };
    this.drawShown(this.shown);
    this.link.tell("textDocument/didShowInlineEdit", { item: edit.item });
    await commands.executeCommand("setContext", VISIBLE, true);
    return true;
  }

  private drawShown({ editor, edit, isFar }: Shown): void {
    if (isFar) this.decorations.hint(editor, edit, editor.selection.active.line);
    else this.decorations.draw(editor, edit);
  }

  /** The view scrolled or the cursor moved: what was a hint may be in sight. */
  private redraw(editor: TextEditor): void {
    const shown = this.shown;
    if (shown === undefined || shown.editor !== editor || this.current() === undefined) return;
    shown.isFar = isOutOfSight(editor, shown.edit);
    this.drawShown(shown);
  }

  private current(): Shown | undefined {
    const shown = this.shown;
    if (shown === undefined) return undefined;
    const { document } = shown.editor;
    if (document.version === shown.version && isFitting(shown.edit, document)) return shown;
    this.drop();
    return undefined;
  }

  private drop(): void {
    clearTimeout(this.timer);
    this.asking?.cancel();
    this.asking = undefined;
    this.hide().catch((error: unknown) => this.link.warn(error));
  }

  private async hide(): Promise<void> {
    const shown = this.shown;
    if (shown === undefined) return;
    this.shown = undefined;
    this.decorations.clear(shown.editor);
    await commands.executeCommand("setContext", VISIBLE, false);
  }
}

function isWritten({ uri }: TextDocument): boolean {
  return uri.scheme === "file" || uri.scheme === "untitled";
}

function isFitting(edit: NextEdit, document: TextDocument): boolean {
  return fits(edit, document.lineCount, (line) => document.lineAt(line).text);
}

function isOutOfSight(editor: TextEditor, { line }: NextEdit): boolean {
  return !editor.visibleRanges.some(({ start, end }) => start.line <= line && line <= end.line);
}
