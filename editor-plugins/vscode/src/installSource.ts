/**
 * What the server is installed from, and whether that is ours: a wheel, a checkout, or a package index of the user's own.
 * Knows no VS Code and runs nothing.
 *
 * The name codeassist-live is registered on no public package index: whoever registers it there owns everybody who installs by
 * it. So there is no default, and a name is only ever looked up in the one index that the user names.
 */
import { posix, win32 } from "node:path";

export type Source =
  | { readonly kind: "wheel"; readonly path: string }
  | { readonly kind: "checkout"; readonly path: string }
  | { readonly kind: "index"; readonly url: string; readonly requirement: string };

/** What the user named is not what it should be; `message` says what is. */
export interface Wrong {
  readonly kind: "wrong";
  readonly message: string;
}

/** What must be known of the machine's files. */
export interface Disk {
  readonly platform: NodeJS.Platform;
  readonly isFile: (path: string) => boolean;
  /** The text of a file; undefined where there is none. */
  readonly read: (path: string) => string | undefined;
}

/** What the dialogs say where a name would have been. */
export const NOT_PUBLISHED =
  "codeassist is on no public package index yet: a package of its name there would be somebody else's.";

/** The distribution's name as pyproject.toml and every wheel of ours have it. */
const NAME = "codeassist-live";
const REQUIREMENT = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?:==[A-Za-z0-9][A-Za-z0-9.!+]*)?$/;

/** The source that the settings name; undefined where they name none, so that the user is asked. */
export function sourceOfSettings(named: string, index: string, disk: Disk): Source | Wrong | undefined {
  if (named === "" && index === "") return undefined;
  if (named === "")
    return wrong("codeassist.server.index names a package index; name the package in codeassist.server.package");
  if (paths(disk).isAbsolute(named)) return named.endsWith(".whl") ? wheel(named, disk) : checkout(named, disk);
  if (named.endsWith(".whl") || /[\\/]/.test(named)) {
    return wrong(`codeassist.server.package is "${named}": write the absolute path of a wheel or a checkout`);
  }
  if (index === "") {
    return wrong(
      `codeassist.server.package is "${named}", a name. ${NOT_PUBLISHED} Write the absolute path of a wheel or a checkout, ` +
        "or the https address of your own package index into codeassist.server.index.",
    );
  }
  return ownIndex(index, named);
}

/** A wheel of ours. */
export function wheel(path: string, disk: Disk): Source | Wrong {
  const name = paths(disk).basename(path);
  if (!/^[^-]+-[^-]+(-[^-]+){3,4}\.whl$/.test(name) || normalised(name.split("-")[0] ?? "") !== NAME) {
    return wrong(`${path}: not a wheel of codeassist (its name begins with codeassist_live-)`);
  }
  return disk.isFile(path) ? { kind: "wheel", path } : wrong(`${path}: there is no such file`);
}

/** A folder with our pyproject.toml. */
export function checkout(path: string, disk: Disk): Source | Wrong {
  const project = disk.read(paths(disk).join(path, "pyproject.toml"));
  if (project === undefined) return wrong(`${path}: not a checkout of codeassist (it has no pyproject.toml)`);
  const name = projectName(project);
  return name !== undefined && normalised(name) === NAME
    ? { kind: "checkout", path }
    : wrong(`${path}: not a checkout of codeassist (its pyproject.toml is of ${name ?? "no project"})`);
}

/** A name, with a version if need be, in an index that is asked for nothing else than by https. */
export function ownIndex(url: string, requirement: string): Source | Wrong {
  const problem = indexProblem(url) ?? requirementProblem(requirement);
  return problem === undefined ? { kind: "index", url, requirement } : wrong(problem);
}

/** What is wrong with an index's address, undefined where nothing is. */
export function indexProblem(url: string): string | undefined {
  const parsed = URL.canParse(url) && !/\s/.test(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== "https:") return `"${url}" is no https address of a package index`;
  if (parsed.username !== "" || parsed.password !== "") {
    return "an address with a password would stand in logs: put it into .netrc or the keyring that pip asks";
  }
  return undefined;
}

/** What is wrong with a package's name, undefined where nothing is: it may be neither an option nor an address. */
export function requirementProblem(requirement: string): string | undefined {
  return REQUIREMENT.test(requirement)
    ? undefined
    : `"${requirement}" is no name of a package (as in your index, with ==VERSION if you like)`;
}

/** `[project] name` of a pyproject.toml; undefined where it is not written plainly. */
function projectName(text: string): string | undefined {
  let isProject = false;
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*\[/.test(line)) isProject = /^\s*\[\s*project\s*\]/.test(line);
    const [, name] = /^\s*name\s*=\s*["']([^"']+)["']/.exec(line) ?? [];
    if (isProject && name !== undefined) return name;
  }
  return undefined;
}

/** As package indexes compare names. */
function normalised(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, "-");
}

function wrong(message: string): Wrong {
  return { kind: "wrong", message };
}

function paths(disk: Disk): typeof posix {
  return disk.platform === "win32" ? win32 : posix;
}
