/**
 * Read-only pages: what the server tells, shown as a document.
 */
import { commands, type Disposable, EventEmitter, extensions, Uri, ViewColumn, window, workspace } from "vscode";

const SCHEME = "codeassist";

export class Pages implements Disposable {
  private readonly texts = new Map<string, string>();
  private readonly changes = new EventEmitter<Uri>();
  private readonly registration = workspace.registerTextDocumentContentProvider(SCHEME, {
    onDidChange: this.changes.event,
    provideTextDocumentContent: (uri) => this.texts.get(uri.path) ?? "",
  });

  /** Show Markdown beside the editor, rendered where VS Code's own Markdown extension is there. */
  async showMarkdown(name: string, text: string): Promise<void> {
    const uri = this.put(`${name}.md`, text);
    // Not asked for among the commands: an extension that has not been activated yet has none there.
    const renders = extensions.getExtension("vscode.markdown-language-features") !== undefined;
    if (renders) await commands.executeCommand("markdown.showPreviewToSide", uri);
    else await this.open(uri);
  }

  async showText(name: string, text: string): Promise<void> {
    await this.open(this.put(`${name}.txt`, text));
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

  private async open(uri: Uri): Promise<void> {
    await window.showTextDocument(await workspace.openTextDocument(uri), { viewColumn: ViewColumn.Beside });
  }
}
