/**
 * Tells the server which suggestions were shown and which were accepted in part.
 * Whole acceptance is the item's own command.
 */
import {
  type Disposable,
  type InlineCompletionContext,
  type InlineCompletionItem,
  type InlineCompletionList,
  InlineCompletionTriggerKind,
  type Position,
  Range,
  type TextDocument,
  type TextDocumentChangeEvent,
  type TextEditorSelectionChangeEvent,
  window,
  workspace,
} from "vscode";
import { Alternatives } from "./alternatives.ts";
import { follow, goesOnFrom, type Offer } from "./offer.ts";

/** An item as the protocol writes it. */
export interface WireItem {
  readonly insertText: string;
  readonly range: Range;
  readonly command: { readonly title: string; readonly command: string; readonly arguments: readonly unknown[] };
}

export type Notify = (method: string, params: { item: WireItem; acceptedLength?: number }) => void;

type Provided = readonly InlineCompletionItem[] | InlineCompletionList | null | undefined;

/** VS Code draws ghost text within a frame or two of the answer; what the user typed away by then was not seen. */
const DRAWN_AFTER_MS = 50;

export class Feedback implements Disposable {
  private readonly listeners = [
    workspace.onDidChangeTextDocument((event) => this.changed(event)),
    window.onDidChangeTextEditorSelection((event) => this.cursorMoved(event)),
  ];
  private readonly notify: Notify;
  private offers: { readonly document: TextDocument; readonly followed: Map<WireItem, Offer> } | undefined;
  /** What the last change added to, until it is known who made it. */
  private grown: { readonly document: TextDocument; readonly item: WireItem; readonly offer: Offer } | undefined;
  private lastShown: string | undefined;
  private readonly alternatives = new Alternatives();

  constructor(notify: Notify) {
    this.notify = notify;
  }

  /** Take note of what the server answered for the document as it stands, on its way to the editor. */
  answered(document: TextDocument, position: Position, context: InlineCompletionContext, answer: Provided): void {
    if (!answer) return;
    const items = "items" in answer ? answer.items : answer;
    const wires = items.flatMap((item) => wireItem(item, position) ?? []);
    const first = wires[0];
    if (first === undefined) return;
    const isInvoked = context.triggerKind === InlineCompletionTriggerKind.Invoke;
    this.alternatives.answered(
      wires.map((wire) => ({ id: idOf(wire), text: wire.insertText })),
      isInvoked,
    );
    const visible = wires.find((wire) => idOf(wire) === this.shownId) ?? first;
    const followed = new Map<WireItem, Offer>();
    for (const wire of wires) {
      const start = document.offsetAt(wire.range.start);
      followed.set(wire, { text: wire.insertText, start, reached: document.offsetAt(position) - start });
    }
    this.offers = { document, followed };
    if (hiddenBehindList(document, visible, context)) return;
    const { version } = document;
    setTimeout(() => {
      if (document.version === version && isVisibleAt(document, position)) this.shown(visible);
    }, DRAWN_AFTER_MS);
  }

  /** The name of the suggestion that is shown, or was shown last. */
  get shownId(): string | undefined {
    return this.alternatives.shown?.id;
  }

  /** VS Code shows the next alternative, or the one before. */
  moved(by: 1 | -1): void {
    this.alternatives.moved(by);
    for (const wire of this.offers?.followed.keys() ?? []) if (idOf(wire) === this.shownId) this.shown(wire);
  }

  dispose(): void {
    for (const listener of this.listeners) listener.dispose();
  }

  private shown(item: WireItem): void {
    const id = idOf(item);
    if (id === this.lastShown) return;
    this.lastShown = id;
    this.notify("textDocument/didShowCompletion", { item });
  }

  private changed({ document, contentChanges }: TextDocumentChangeEvent): void {
    if (this.offers?.document !== document || contentChanges.length === 0) return;
    const [change] = contentChanges;
    if (change === undefined || contentChanges.length > 1) {
      this.offers = undefined;
      return;
    }
    const { rangeOffset: offset, rangeLength: length, text } = change;
    this.grown = undefined;
    for (const [wire, offer] of this.offers.followed) {
      const outcome = follow(offer, { offset, length, text });
      // Another one may go on from there: it is that one all the same that was accepted, by its command.
      if (outcome.kind === "whole") {
        this.offers = undefined;
        this.grown = undefined;
        return;
      }
      if (outcome.kind === "over") {
        this.offers.followed.delete(wire);
        continue;
      }
      this.offers.followed.set(wire, outcome.offer);
      // Of several alternatives that begin alike one was accepted: the first is as good as any.
      if (outcome.kind === "grown") this.grown ??= { document, item: wire, offer: outcome.offer };
    }
  }

  /** VS Code says of a cursor that typing moved that the keyboard did; of one that an accepted part moved, nothing. */
  private cursorMoved({ textEditor, selections, kind }: TextEditorSelectionChangeEvent): void {
    const { grown } = this;
    if (grown?.document !== textEditor.document) return;
    this.grown = undefined;
    const [cursor] = selections;
    if (kind !== undefined || cursor === undefined) return;
    if (textEditor.document.offsetAt(cursor.active) !== grown.offer.start + grown.offer.reached) return;
    const { item, offer } = grown;
    this.notify("textDocument/didPartiallyAcceptCompletion", { item, acceptedLength: offer.reached });
  }
}

function idOf({ command }: WireItem): string {
  return String(command.arguments[0]);
}

function wireItem(item: InlineCompletionItem, position: Position): WireItem | undefined {
  const { insertText, command } = item;
  if (typeof insertText !== "string" || command === undefined) return undefined;
  return {
    insertText,
    range: item.range ?? new Range(position, position),
    command: { title: command.title, command: command.command, arguments: command.arguments ?? [] },
  };
}

function hiddenBehindList(document: TextDocument, item: WireItem, context: InlineCompletionContext): boolean {
  const entry = context.selectedCompletionInfo;
  if (entry === undefined) return false;
  const between = document.getText(new Range(entry.range.start, item.range.start));
  const [itemStart, entryStart] = [document.offsetAt(item.range.start), document.offsetAt(entry.range.start)];
  return !goesOnFrom(item.insertText, itemStart, entry.text, entryStart, between);
}

function isVisibleAt(document: TextDocument, position: Position): boolean {
  const editor = window.activeTextEditor;
  return (
    editor?.document === document &&
    editor.selection.isEmpty &&
    editor.selection.active.isEqual(position) &&
    workspace.getConfiguration("editor", document).get("inlineSuggest.enabled", true)
  );
}
