/**
 * The places in all files: how many there are, and a list in which each is looked at before it is taken.
 */
import {
  type Disposable,
  Position,
  type QuickPick,
  type QuickPickItem,
  Range,
  StatusBarAlignment,
  type TextDocument,
  type TextEditor,
  TextEditorRevealType,
  Uri,
  WorkspaceEdit,
  window,
  workspace,
} from "vscode";
import { Decorations } from "./decorations.ts";
import { editsOf, fits, type NextEdit, summary, whyNone } from "./edit.ts";
import { AUTOMATIC, EVERYWHERE, INVOKED, type Link, questionAt } from "./question.ts";

interface Entry extends QuickPickItem {
  /** Nothing: all of them. */
  readonly edit?: NextEdit;
}

export class Places implements Disposable {
  private readonly link: Link;
  private readonly decorations = new Decorations();
  private readonly bar = window.createStatusBarItem("codeassist.nextEdits", StatusBarAlignment.Right, 99);

  constructor(link: Link) {
    this.link = link;
    this.bar.name = "codeassist: next edits";
    this.bar.command = "codeassist.listNextEdits";
  }

  /** Say in the status bar how many places are left. */
  async count(editor: TextEditor): Promise<void> {
    const { version } = editor.document;
    const found = editsOf(await this.link.ask(EVERYWHERE, questionAt(editor, AUTOMATIC)));
    this.say(editor.document.version === version ? found : []);
  }

  /** Ask for the places in all files and show them as a list. */
  async list(): Promise<void> {
    const editor = window.activeTextEditor;
    if (editor === undefined) return;
    const answer = await this.link.ask(EVERYWHERE, questionAt(editor, INVOKED));
    const found = editsOf(answer);
    this.say(found);
    if (found.length === 0) {
      window.setStatusBarMessage(`codeassist: ${whyNone(answer) ?? "no next edit"}`, 5000);
      return;
    }
    this.choose(found);
  }

  /** Put an edit into its document, as one undo step. Returns false, and changes nothing, where it does not fit. */
  async take(edit: NextEdit, document: TextDocument): Promise<boolean> {
    if (!fits(edit, document.lineCount, (line) => document.lineAt(line).text)) return false;
    const change = new WorkspaceEdit();
    change.replace(document.uri, ...replacement(edit, document));
    if (!(await workspace.applyEdit(change))) return false; // read-only, say
    await this.link.execute("codeassist.acceptEdit", [edit.id]);
    return true;
  }

  dispose(): void {
    this.decorations.dispose();
    this.bar.dispose();
  }

  private say(found: readonly NextEdit[]): void {
    this.bar.text = `$(edit) ${summary(found)}`;
    if (found.length > 0) this.bar.show();
    else this.bar.hide();
  }

  private choose(found: readonly NextEdit[]): void {
    const pick = window.createQuickPick<Entry>();
    let left = found;
    let drawn: TextEditor | undefined;
    const wipe = () => {
      if (drawn !== undefined) this.decorations.clear(drawn);
      drawn = undefined;
    };
    const fill = () => {
      pick.title = summary(left);
      pick.items = entries(left);
    };
    pick.placeholder = "Enter takes the place that is shown";
    pick.matchOnDescription = true;
    pick.ignoreFocusOut = true;
    pick.onDidChangeActive(async ([active]) => {
      wipe();
      if (active?.edit === undefined) return;
      drawn = await look(active.edit, pick);
      if (drawn !== undefined && left.includes(active.edit)) this.decorations.draw(drawn, active.edit);
    });
    pick.onDidAccept(async () => {
      const [active] = pick.activeItems;
      if (active === undefined) return;
      wipe();
      const taken = active.edit === undefined ? bottomUp(left) : [active.edit];
      pick.busy = true;
      for (const edit of taken) await this.take(edit, await workspace.openTextDocument(Uri.parse(edit.uri)));
      pick.busy = false;
      left = left.filter((edit) => !taken.includes(edit)).map((edit) => moved(edit, taken));
      this.say(left);
      if (left.length === 0) pick.hide();
      else fill();
    });
    pick.onDidHide(() => {
      wipe();
      pick.dispose();
    });
    fill();
    pick.show();
  }
}

function entries(left: readonly NextEdit[]): Entry[] {
  const each = left.map((edit) => ({
    label: `${edit.path}:${edit.line + 1}`,
    description: (edit.new[0] ?? `remove ${edit.old[0] ?? ""}`).trim(),
    detail: edit.reason,
    edit,
  }));
  return left.length > 1 ? [...each, { label: "$(check-all) Take all", description: summary(left) }] : each;
}

/** Show the place of an edit in a preview; the list keeps the keyboard. */
async function look(edit: NextEdit, pick: QuickPick<Entry>): Promise<TextEditor | undefined> {
  const document = await workspace.openTextDocument(Uri.parse(edit.uri));
  const editor = await window.showTextDocument(document, { preview: true, preserveFocus: true });
  const start = new Position(Math.min(edit.line, document.lineCount - 1), 0);
  editor.revealRange(new Range(start, start), TextEditorRevealType.InCenterIfOutsideViewport);
  const isFitting = fits(edit, document.lineCount, (line) => document.lineAt(line).text);
  return isFitting && pick.activeItems[0]?.edit === edit ? editor : undefined;
}

/** So that the ones above keep their lines. */
function bottomUp(edits: readonly NextEdit[]): NextEdit[] {
  return [...edits].sort((one, other) => (one.uri === other.uri ? other.line - one.line : 0));
}

/** The edit where it belongs once those that were taken stand in its file. */
function moved(edit: NextEdit, taken: readonly NextEdit[]): NextEdit {
  const above = taken.filter(({ uri, line }) => uri === edit.uri && line < edit.line);
  const shift = above.reduce((sum, each) => sum + each.new.length - each.old.length, 0);
  return shift === 0 ? edit : { ...edit, line: edit.line + shift };
}

/** The range to replace, and the text: whole lines where lines come or go, else only what is within the lines. */
function replacement(edit: NextEdit, document: TextDocument): [Range, string] {
  const text = edit.new.join("\n");
  const after = edit.line + edit.old.length;
  if (edit.old.length > 0 && edit.new.length > 0)
    return [new Range(edit.line, 0, after - 1, document.lineAt(after - 1).text.length), text];
  if (after < document.lineCount) return [new Range(edit.line, 0, after, 0), edit.new.length > 0 ? `${text}\n` : ""];
  const end = document.lineAt(document.lineCount - 1).range.end; // the last lines: the line end before them goes, or comes
  const start = edit.line > 0 ? document.lineAt(edit.line - 1).range.end : new Position(0, 0);
  return [new Range(start, end), edit.new.length > 0 ? `\n${text}` : ""];
}
