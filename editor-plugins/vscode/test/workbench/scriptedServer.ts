/**
 * A language server whose suggestion is known beforehand, and which writes down all that it is sent.
 * It continues KNOWN wherever the text before the cursor ends with the beginning of one. As a server whose model
 * is being loaded it has nothing for the first such place, and says right after that it is ready. Whoever asks for suggestions
 * gets a second one. While there is a file RECORD.missing, the model that it names is not installed.
 *
 * Usage: node scriptedServer.ts RECORD serve
 */
import { appendFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  createMessageConnection,
  ErrorCodes,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
  TextDocumentSyncKind,
} from "vscode-languageserver-protocol/node";
import { TextDocument } from "vscode-languageserver-textdocument";
import { runCommand } from "./scriptedCommands.ts";

const KNOWN = [
  "def area(width, height):\n    return width * height",
  "def perimeter(width, height):\n    return 2 * (width + height)",
];
/** So many characters of a known text must stand before the cursor. */
const RECOGNISED = 8;

const [record = "", command] = process.argv.slice(2);
if (command !== "serve") process.exit(runCommand(process.argv.slice(3), record, note));
const missing = existsSync(`${record}.missing`) ? readFileSync(`${record}.missing`, "utf8") : undefined;
const PROBLEM = `${missing} is not installed: \`codeassist models pull ${missing}\` in a terminal fetches it`;
const connection = createMessageConnection(
  new StreamMessageReader(process.stdin),
  new StreamMessageWriter(process.stdout),
);
const documents = new Map<string, TextDocument>();
let lastId = 0;
let isLoaded = false;
const dismissed = new Set<string>();
/** The files of the folder with a call that can follow, as they are on disk. */
const onDisk = new Map<string, string>();

connection.onRequest((method, params) => {
  note(method, params);
  return answer(method, params as Params);
});
connection.onNotification((method, params) => {
  note(method, params);
  if (method === "exit") process.exit(0);
  if (method === "initialized") {
    if (missing === undefined) sayStatus({ busy: true, message: "Loading the script." });
    else {
      sayStatus({ busy: false, message: PROBLEM, kind: "Error" });
      void connection.sendNotification("window/showMessage", { type: 1, message: `codeassist: ${PROBLEM}` });
    }
  }
  follow(method, params as Params);
});
connection.onClose(() => process.exit(0));
connection.listen();

interface Params {
  cellTextDocuments: readonly Params["textDocument"][];
  change: {
    cells?: {
      structure?: { didOpen?: Params["cellTextDocuments"] };
      textContent?: readonly { document: Params["textDocument"]; changes: Params["contentChanges"] }[];
    };
  };
  textDocument: { uri: string; languageId: string; version: number; text: string };
  contentChanges: Parameters<typeof TextDocument.update>[1];
  position: { line: number; character: number };
  context?: { triggerKind: number };
  workspaceFolders?: { uri: string }[];
  command: string;
  arguments: unknown[];
}

function sayStatus(status: { busy: boolean; message: string; kind?: string }): void {
  void connection.sendNotification("didChangeStatus", { kind: "Normal", ...status });
}

function note(method: string, params: unknown): void {
  appendFileSync(record, `${JSON.stringify({ method, params })}\n`);
}

function follow(method: string, { textDocument, contentChanges, cellTextDocuments, change }: Params): void {
  const opened =
    { "textDocument/didOpen": [textDocument], "notebookDocument/didOpen": cellTextDocuments }[method] ?? [];
  for (const { uri, languageId, version, text } of opened) {
    documents.set(uri, TextDocument.create(uri, languageId, version, text));
  }
  if (method === "notebookDocument/didChange") {
    for (const { uri, languageId, version, text } of change.cells?.structure?.didOpen ?? [])
      documents.set(uri, TextDocument.create(uri, languageId, version, text));
    for (const { document: cell, changes } of change.cells?.textContent ?? [])
      TextDocument.update(document(cell.uri), changes, cell.version);
  }
  if (method === "textDocument/didChange") {
    TextDocument.update(document(textDocument.uri), contentChanges, textDocument.version);
  }
}

function answer(method: string, params: Params): unknown {
  switch (method) {
    case "initialize":
      readOthers(params.workspaceFolders?.[0]?.uri);
      return {
        serverInfo: { name: "scripted" },
        capabilities: {
          textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental, save: true },
          notebookDocumentSync: { notebookSelector: [{ notebook: "*" }], save: true },
          inlineCompletionProvider: {},
          executeCommandProvider: {
            commands: [
              "codeassist.accept",
              "codeassist.explain",
              "codeassist.status",
              "codeassist.reindex",
              "codeassist.acceptEdit",
              "codeassist.dismissEdit",
            ],
          },
        },
      };
    case "textDocument/inlineCompletion":
      return { items: suggestions(params) };
    case "workspace/executeCommand":
      if (params.command === "codeassist.dismissEdit") dismissed.add(String(params.arguments[0]));
      return {
        "codeassist.explain": { markdown: "# Because\n\nIt is written in the script.", path: "shapes.py" },
        "codeassist.status":
          missing === undefined
            ? { model: { name: "the-script", device: "cpu" }, requests: { counts: { answered: 7 } } }
            : { model: { name: null, problem: PROBLEM, missing } },
      }[params.command];
    case "textDocument/copilotInlineEdit":
      return { edits: nextEdits(params.textDocument.uri).slice(0, 1), whyNone: "nothing seems to be missing" };
    case "codeassist/nextEdits": {
      const { uri } = params.textDocument;
      const others = [...onDisk.keys()].filter((other) => other !== uri);
      const edits = [uri, ...others].flatMap((each) => nextEdits(each));
      return { edits, whyNone: edits.length > 0 ? null : "nothing seems to be missing" };
    }
    case "shutdown":
      return null;
    default:
      return new ResponseError(ErrorCodes.MethodNotFound, method);
  }
}

function suggestions({ textDocument, position, context }: Params): unknown[] {
  if (missing !== undefined) return [];
  const text = document(textDocument.uri);
  const prefix = text.getText().slice(0, text.offsetAt(position));
  for (const known of KNOWN) {
    for (let length = known.length - 1; length >= RECOGNISED; length--) {
      if (!prefix.endsWith(known.slice(0, length))) continue;
      if (!isLoaded) {
        isLoaded = true;
        setImmediate(() => sayStatus({ busy: false, message: "Scripted and ready." }));
        return [];
      }
      const texts = context?.triggerKind === 1 ? [known, known.replace("):", "): # or so")] : [known];
      return texts.map((text) => {
        lastId += 1;
        const command = { title: "Accept", command: "codeassist.accept", arguments: [`item-${lastId}`] };
        return { insertText: text.slice(length), range: { start: position, end: position }, command };
      });
    }
  }
  return [];
}

/** Once any document says `new(`, every line that says `old(` is to say so too; `# twice` brings it a second line. */
function nextEdits(uri: string): unknown[] {
  if (![...documents.values()].some((each) => each.getText().includes("new("))) return [];
  const opened = documents.get(uri);
  const text = opened?.getText() ?? onDisk.get(uri) ?? "";
  return text.split(/\r?\n/).flatMap((line, number) => {
    const id = `${uri.slice(uri.lastIndexOf("/") + 1)}:${line.trim()}`;
    if (!line.includes("old(") || dismissed.has(id)) return [];
    const changed = Array(line.includes("# twice") ? 2 : 1).fill(line.replace("old(", "new("));
    return [
      {
        text: changed.join("\n"),
        textDocument: { uri, version: opened?.version ?? null },
        range: { start: { line: number, character: 0 }, end: { line: number, character: line.length } },
        command: { title: "Accept", command: "codeassist.acceptEdit", arguments: [id] },
        path: uri.slice(uri.lastIndexOf("/") + 1),
        line: number,
        old: [line],
        new: changed,
        reason: "`old` is `new` now",
      },
    ];
  });
}

/** Read the other files of the folder that a client opens. */
function readOthers(root: string | undefined): void {
  if (root === undefined) return;
  for (const name of readdirSync(fileURLToPath(root)))
    if (name.endsWith(".py")) onDisk.set(`${root}/${name}`, readFileSync(fileURLToPath(`${root}/${name}`), "utf8"));
}

function document(uri: string): TextDocument {
  const found = documents.get(uri);
  if (found === undefined) throw new Error(`${uri} was never opened`);
  return found;
}
