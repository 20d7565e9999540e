/**
 * How a next edit is drawn: what goes is struck through, what comes stands beside it as ghost text.
 * Decorations cannot add lines: of several new lines each stands behind an old one, the rest behind the last.
 */
import {
  type DecorationOptions,
  DecorationRangeBehavior,
  type Disposable,
  MarkdownString,
  Range,
  type TextEditor,
  ThemeColor,
  window,
} from "vscode";
import { type NextEdit, sameEnds } from "./edit.ts";

const SPACE = "\u00a0"; // ordinary ones at the ends are not drawn

export class Decorations implements Disposable {
  private readonly goes = window.createTextEditorDecorationType({
    textDecoration: "line-through",
    backgroundColor: new ThemeColor("diffEditor.removedTextBackground"),
    rangeBehavior: DecorationRangeBehavior.ClosedClosed,
  });
  private readonly comes = window.createTextEditorDecorationType({
    after: { color: new ThemeColor("editorGhostText.foreground") },
    rangeBehavior: DecorationRangeBehavior.ClosedClosed,
  });
  private readonly says = window.createTextEditorDecorationType({
    after: { color: new ThemeColor("editorCodeLens.foreground"), margin: "0 0 0 2em" },
    rangeBehavior: DecorationRangeBehavior.ClosedClosed,
  });

  /** Draw the edit at its place. */
  draw(editor: TextEditor, edit: NextEdit): void {
    const { document } = editor;
    const goes: DecorationOptions[] = [];
    const comes: DecorationOptions[] = [];
    const hoverMessage = difference(edit);
    const last = Math.min(Math.max(edit.line, edit.line + edit.old.length - 1), document.lineCount - 1);
    edit.old.forEach((old, at) => {
      const line = edit.line + at;
      const now = edit.new[at];
      const { head, tail } = now === undefined ? { head: 0, tail: 0 } : sameEnds(old, now);
      if (head + tail < old.length || now === undefined)
        goes.push({ range: new Range(line, head, line, old.length - tail), hoverMessage });
      const text = now?.slice(head, now.length - tail);
      if (text) comes.push(ghost(line, old.length - tail, text));
    });
    const rest = edit.new.slice(edit.old.length);
    if (rest.length > 0) comes.push(ghost(last, document.lineAt(last).text.length, ` ⏎ ${rest.join(" ⏎ ")}`));
    editor.setDecorations(this.goes, goes);
    editor.setDecorations(this.comes, comes);
    const reason = edit.reason === "" ? "" : ` · ${edit.reason}`;
    editor.setDecorations(this.says, [said(editor, last, `Tab: take${reason}`, hoverMessage)]);
  }

  /** Say in a line that Tab goes to the edit. */
  hint(editor: TextEditor, edit: NextEdit, line: number): void {
    this.clear(editor);
    editor.setDecorations(this.says, [said(editor, line, `Tab: go to line ${edit.line + 1}`, difference(edit))]);
  }

  clear(editor: TextEditor): void {
    for (const type of [this.goes, this.comes, this.says]) editor.setDecorations(type, []);
  }

  dispose(): void {
    for (const type of [this.goes, this.comes, this.says]) type.dispose();
  }
}

function ghost(line: number, column: number, text: string): DecorationOptions {
  const contentText = text.replaceAll("\t", SPACE.repeat(4)).replaceAll(" ", SPACE);
  return { range: new Range(line, column, line, column), renderOptions: { after: { contentText } } };
}

function said(editor: TextEditor, line: number, contentText: string, hoverMessage: MarkdownString): DecorationOptions {
  const end = editor.document.lineAt(Math.min(line, editor.document.lineCount - 1)).range.end;
  return { range: new Range(end, end), renderOptions: { after: { contentText } }, hoverMessage };
}

/** The edit as a small diff, for who hovers over it. */
function difference(edit: NextEdit): MarkdownString {
  const lines = [...edit.old.map((line) => `-${line}`), ...edit.new.map((line) => `+${line}`)];
  return new MarkdownString().appendCodeblock(lines.join("\n"), "diff");
}
