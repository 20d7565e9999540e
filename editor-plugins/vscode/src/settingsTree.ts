/**
 * From VS Code's settings to the tree that the server takes.
 * Knows no VS Code: it is handed the manifest's entries and a way to read one.
 */

/** What the manifest says of a setting. */
export interface Declared {
  readonly scope?: string;
}

/** The value at each level where the user or the workspace set it (VS Code's `inspect`). */
export interface Levels {
  readonly globalValue?: unknown;
  readonly workspaceValue?: unknown;
  readonly workspaceFolderValue?: unknown;
}

export type Tree = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

const SENT = /^codeassist\.(model|completion|context|editor|edits)\.([A-Za-z]+)$/;

/**
 * The settings that somebody made, as `{section: {key: value}}` with the names of docs/settings.md.
 *
 * What nobody made is left out: a default of VS Code's would win over the user's own config.toml. Of a setting that only the user
 * may make, a workspace's value is not looked at (VS Code ignores it too).
 */
export function settingsTree(
  declared: Readonly<Record<string, Declared>>,
  read: (key: string) => Levels | undefined,
): Tree {
  const tree: Record<string, Record<string, unknown>> = {};
  for (const [key, { scope }] of Object.entries(declared)) {
    const [, section, name] = SENT.exec(key) ?? [];
    if (section === undefined || name === undefined) continue;
    const levels = read(key) ?? {};
    const value = isPersonal(scope)
      ? levels.globalValue
      : (levels.workspaceFolderValue ?? levels.workspaceValue ?? levels.globalValue);
    if (value === undefined) continue;
    tree[section] = { ...tree[section], [snakeCase(name)]: value };
  }
  return tree;
}

/** Whether only the user may make a setting of this scope, and no workspace. */
export function isPersonal(scope: string | undefined): boolean {
  return scope === "machine" || scope === "application";
}

/** `maxNewTokens` → `max_new_tokens`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
