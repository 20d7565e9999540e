/**
 * How long suggestions took, as whoever types waits for them: from VS Code's question to the answer with something in it.
 * Knows no VS Code.
 */

/** So many are looked back on. */
const KEPT = 50;

export class Timing {
  private took: readonly number[] = [];

  note(tookMs: number): void {
    this.took = [...this.took, tookMs].slice(-KEPT);
  }

  /** In words; undefined before the first. */
  get sentence(): string | undefined {
    const last = this.took.at(-1);
    if (last === undefined) return undefined;
    const sorted = [...this.took].sort((one, other) => one - other);
    const middle = sorted[Math.floor(sorted.length / 2)] ?? last;
    const before = sorted.length > 1 ? `; half of the last ${sorted.length} within ${milliseconds(middle)}` : "";
    return `The last suggestion came after ${milliseconds(last)}${before}.`;
  }
}

function milliseconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
