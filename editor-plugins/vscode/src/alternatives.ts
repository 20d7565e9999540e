/**
 * Which of several alternatives is on the screen.
 * Knows no VS Code. Its finished API does not say, so the commands that go on to the next and back to the one before are ours.
 */

/** A suggestion as it was answered. */
export interface Alternative {
  readonly id: string;
  readonly text: string;
}

export class Alternatives {
  private all: readonly Alternative[] = [];
  private at = 0;
  /** Whether the last answer was asked for: VS Code asks anew, for all that there are, when somebody goes on from another one. */
  private isInvoked = false;
  private toMove = 0;

  get shown(): Alternative | undefined {
    return this.all[this.at];
  }

  /** Another answer: what is shown stays where the answer has it again, or its rest when some of it was typed. */
  answered(all: readonly Alternative[], isInvoked: boolean): void {
    const before = this.shown?.text;
    const same = before === undefined ? -1 : all.findIndex(({ text }) => text !== "" && before.endsWith(text));
    this.all = all;
    this.at = Math.max(same, 0);
    this.isInvoked = isInvoked;
    const waiting = isInvoked ? this.toMove : 0;
    this.toMove = 0;
    if (waiting !== 0) this.moved(waiting);
  }

  /** Somebody went on by so many, or back: round at the ends, as VS Code goes; from an automatic answer once all are there. */
  moved(by: number): void {
    if (!this.isInvoked) this.toMove += by;
    else if (this.all.length > 0) this.at = (((this.at + by) % this.all.length) + this.all.length) % this.all.length;
  }
}
