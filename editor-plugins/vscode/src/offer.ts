/**
 * What became of a suggestion, seen from the edits that follow it.
 * Knows no VS Code. VS Code's finished API does not say when a part of a suggestion is accepted, so it is read off the text.
 */

/** An item that the editor was given. `start` and `reached` are offsets in the document, in UTF-16 units. */
export interface Offer {
  readonly text: string;
  /** Where the text that the item replaces begins. */
  readonly start: number;
  /** How much of `text` stands in the document already. */
  readonly reached: number;
}

/** One change of a document: `length` units at `offset` are replaced by `text`. */
export interface Change {
  readonly offset: number;
  readonly length: number;
  readonly text: string;
}

export type Outcome =
  /** The document went another way. */
  | { readonly kind: "over" }
  /** All of it stands in the document. */
  | { readonly kind: "whole" }
  /** The rest can still be shown: the user deleted, or began a new line. */
  | { readonly kind: "along"; readonly offer: Offer }
  /** More of it stands in the document: typed, or accepted in part. The text alone does not tell. */
  | { readonly kind: "grown"; readonly offer: Offer };

/** What a change does to an offer. */
export function follow(offer: Offer, change: Change): Outcome {
  const cursor = offer.start + offer.reached;
  if (change.offset < offer.start || change.offset > cursor || change.offset + change.length < cursor) {
    return { kind: "over" };
  }
  const stands = offer.text.slice(0, change.offset - offer.start) + change.text;
  if (stands === offer.text) return { kind: "whole" };
  if (!offer.text.startsWith(stands)) return { kind: "over" };
  const next = { ...offer, reached: stands.length };
  return { kind: stands.length > offer.reached && !isNewLine(change.text) ? "grown" : "along", offer: next };
}

/** Whether a selected entry of the completion list leaves the item visible: the item must go on from the entry's text. */
export function goesOnFrom(
  itemText: string,
  itemStart: number,
  entryText: string,
  entryStart: number,
  textBetween: string,
): boolean {
  if (itemStart < entryStart) return itemText.slice(entryStart - itemStart).startsWith(entryText);
  return (textBetween + itemText).startsWith(entryText);
}

/** The Enter key, with the indentation that the editor adds. Nobody accepts that as a part. */
function isNewLine(text: string): boolean {
  return /^\r?\n[ \t]*$/.test(text);
}
