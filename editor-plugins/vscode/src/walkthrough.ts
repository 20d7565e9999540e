/**
 * The walkthrough: opening it, and ticking off the steps that are done.
 */
import { commands } from "vscode";

/** What steps of the manifest wait for, as `onContext:codeassist.NAME`. */
export type Fact = "serverFound" | "modelReady" | "accepted" | "explained";

export class Walkthrough {
  private readonly facts = new Map<Fact, boolean>();

  async set(fact: Fact, value: boolean): Promise<void> {
    this.facts.set(fact, value);
    await tell(fact, value);
  }

  /**
   * VS Code looks at walkthroughs when one is opened, and ticks a step off when its condition becomes true after that. What
   * was true before would never count (WalkthroughsService.registerDoneListeners).
   */
  async open(id: string): Promise<void> {
    for (const fact of this.facts.keys()) await tell(fact, false);
    await commands.executeCommand("workbench.action.openWalkthrough", id, false);
    for (const [fact, value] of this.facts) await tell(fact, value);
  }
}

async function tell(fact: Fact, value: boolean): Promise<void> {
  await commands.executeCommand("setContext", `codeassist.${fact}`, value);
}
