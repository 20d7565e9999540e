/**
 * Read-only pages: what the server tells, shown as a document. All of them stand in one column beside the editor.
 */
import {
  commands,
  type Disposable,
  EventEmitter,
  extensions,
  TabInputCustom,
  TabInputText,
  type TextDocumentShowOptions,
  Uri,
  ViewColumn,
  window,
  workspace,
} from "vscode";

const SCHEME = "codeassist";
/** Of VS Code's own Markdown extension. */
const PREVIEW = "vscode.markdown.preview.editor";

export class Pages implements Disposable {
  private readonly texts = new Map<string, string>();
  private readonly changes = new EventEmitter<Uri>();
  private readonly registration = workspace.registerTextDocumentContentProvider(SCHEME, {
    onDidChange: this.changes.event,
    provideTextDocumentContent: (uri) => this.texts.get(uri.path) ?? "",
  });

  /** Show Markdown beside the editor, rendered where VS Code's own Markdown extension is there. */
  async showMarkdown(name: string, text: string): Promise<void> {
    await showMarkdown(this.put(`${name}.md`, text));
  }

  async showText(name: string, text: string): Promise<void> {
    await showDocument(this.put(`${name}.txt`, text));
  }

  /** Show a Markdown file of the disk as a page is shown. */
  async showFile(path: string): Promise<void> {
    await showMarkdown(Uri.file(path));
  }

  dispose(): void {
    this.registration.dispose();
    this.changes.dispose();
  }

  private put(name: string, text: string): Uri {
    const uri = Uri.from({ scheme: SCHEME, path: `/${name}` });
    this.texts.set(uri.path, text);
    this.changes.fire(uri);
    return uri;
  }
}

async function showMarkdown(uri: Uri): Promise<void> {
  // Not asked for among the commands: an extension that has not been activated yet has none there.
  const renders = extensions.getExtension("vscode.markdown-language-features") !== undefined;
  if (renders) await commands.executeCommand("vscode.openWith", uri, PREVIEW, besideTheEditor());
  else await showDocument(uri);
}

async function showDocument(uri: Uri): Promise<void> {
  await window.showTextDocument(await workspace.openTextDocument(uri), besideTheEditor());
}

/** Where pages stand already, else the last column that is not the one written in, else a new one. */
function besideTheEditor(): TextDocumentShowOptions {
  const groups = window.tabGroups.all;
  const withPages = groups.find(({ tabs }) => tabs.some(({ input }) => isPage(input)));
  const other = groups.findLast((group) => group !== window.tabGroups.activeTabGroup);
  return { viewColumn: (withPages ?? other)?.viewColumn ?? ViewColumn.Beside, preserveFocus: true, preview: false };
}

function isPage(input: unknown): boolean {
  if (input instanceof TabInputCustom) return input.uri.scheme === SCHEME || input.viewType === PREVIEW;
  return input instanceof TabInputText && input.uri.scheme === SCHEME;
}
