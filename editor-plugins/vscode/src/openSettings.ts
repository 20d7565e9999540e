/**
 * Opens VS Code's settings where what is looked for is shown: settings of the machine stand on a remote workspace's own page
 * ("Remote"), and a search on the user's page does not find them.
 */
import { commands, env } from "vscode";

/** Open the user's settings with this query. */
export async function openSettings(query: string): Promise<void> {
  await commands.executeCommand("workbench.action.openSettings", { query });
}

/** Open the settings with a query for some of the scope `machine`. */
export async function openMachineSettings(query: string): Promise<void> {
  const isRemote = env.remoteName !== undefined;
  await commands.executeCommand(`workbench.action.open${isRemote ? "RemoteSettings" : "Settings"}`, { query });
}
