/**
 * The server's process and the connection to it: started, stopped, asked.
 */
import {
  commands,
  type Disposable,
  EventEmitter,
  type ExtensionContext,
  type InlineCompletionItem,
  type InlineCompletionList,
  type LogOutputChannel,
  type Position,
  type TextDocument,
  window,
} from "vscode";
import {
  State as ClientState,
  DidChangeConfigurationNotification,
  ErrorCodes,
  ExecuteCommandRequest,
  LanguageClient,
  type LanguageClientOptions,
  MessageType,
  ResponseError,
  RevealOutputChannelOn,
  ShowMessageNotification,
  type StaticFeature,
} from "vscode-languageclient/node";
import { Feedback } from "./feedback.ts";
import { isServerShared, ownFolder, server, settings } from "./machine.ts";
import { type ModelFacts, modelFacts } from "./modelFacts.ts";
import type { Link } from "./nextEdit/question.ts";
import { type ServerStatus, type State, serverStatus } from "./statusView.ts";
import { Timing } from "./timing.ts";
import type { Walkthrough } from "./walkthrough.ts";

/** Of documents that are written in: files, what has none yet, cells of notebooks. */
export const SCHEMES: readonly string[] = ["file", "untitled", "vscode-notebook-cell"];

/** Asks for `didChangeStatus`, which is none of the protocol's messages. */
const ASK_FOR_STATUS: StaticFeature = {
  fillClientCapabilities(capabilities) {
    capabilities.experimental = { didChangeStatus: true };
  },
  getState: () => ({ kind: "static" }),
  initialize() {},
  clear() {},
};

const STARTED: ServerStatus = { busy: false, message: "", kind: "Normal" };

export class Server implements Disposable {
  private readonly context: ExtensionContext;
  private readonly log: LogOutputChannel;
  private readonly walkthrough: Walkthrough;
  private readonly changes = new EventEmitter<State>();
  private readonly unknown = new Set<string>();
  private connection: { readonly client: LanguageClient; readonly feedback: Feedback } | undefined;
  private current: State = { kind: "off" };
  /** A request that was answered with nothing while the server was busy. */
  private missed:
    | { readonly document: TextDocument; readonly version: number; readonly position: Position }
    | undefined;
  /** Starting and stopping never overlap: each waits for the one before. */
  private queue: Promise<void> = Promise.resolve();

  readonly onDidChangeState = this.changes.event;
  readonly timing = new Timing();
  /** What is known of the model in service. */
  model: ModelFacts = {};

  constructor(context: ExtensionContext, log: LogOutputChannel, walkthrough: Walkthrough) {
    this.context = context;
    this.log = log;
    this.walkthrough = walkthrough;
  }

  get state(): State {
    return this.current;
  }

  /** Start the server if it does not run. The state says how that went. */
  start(): Promise<void> {
    return this.enqueue(() => this.startNow());
  }

  /** Stop the server; `next` is the state to show from then on. */
  stop(next: State): Promise<void> {
    return this.enqueue(async () => {
      await this.stopNow();
      this.become(next);
    });
  }

  /** Stop the server and start it again, with the settings in force now. */
  restart(): Promise<void> {
    return this.enqueue(async () => {
      await this.stopNow();
      await this.startNow();
    });
  }

  /** Have the server carry out one of its commands. Rejects when it does not run or fails. */
  async ask(command: string, args: readonly unknown[] = []): Promise<unknown> {
    if (this.connection === undefined || this.current.kind !== "running") {
      throw new Error("The server does not run. The status bar's menu says more.");
    }
    return await this.connection.client.sendRequest(ExecuteCommandRequest.type, { command, arguments: [...args] });
  }

  /** The name of the suggestion on the screen, as the server gave it; undefined where none is. */
  get shownSuggestion(): string | undefined {
    return this.connection?.feedback.shownId;
  }

  /** VS Code went on to the next alternative, or back. */
  alternativeMoved(by: 1 | -1): void {
    this.connection?.feedback.moved(by);
  }

  /** The connection for next edits: whatever runs at the moment. */
  readonly link: Link = {
    ask: async (method, params, token) => {
      const client = this.running;
      if (client === undefined || this.unknown.has(method)) return undefined;
      try {
        return await (token === undefined
          ? client.sendRequest(method, params)
          : client.sendRequest(method, params, token));
      } catch (error) {
        if (token?.isCancellationRequested) return undefined;
        // A server that is too old is not asked again and again.
        if (error instanceof ResponseError && error.code === ErrorCodes.MethodNotFound) this.unknown.add(method);
        this.log.warn(messageOf(error));
        return undefined;
      }
    },
    tell: (method, params) => {
      this.running?.sendNotification(method, params).catch((error: unknown) => this.log.warn(messageOf(error)));
    },
    execute: async (command, args) => {
      await this.running?.sendRequest(ExecuteCommandRequest.type, { command, arguments: [...args] });
    },
    uriOf: (document) => this.running?.code2ProtocolConverter.asUri(document.uri) ?? document.uri.toString(),
    warn: (error) => this.log.warn(messageOf(error)),
  };

  dispose(): Promise<void> {
    return this.stop({ kind: "off" });
  }

  private enqueue(task: () => Promise<void>): Promise<void> {
    this.queue = this.queue.then(task, task).catch((error: unknown) => {
      this.log.error(error instanceof Error ? error : String(error));
      this.become({ kind: "stopped", reason: `The server could not be started: ${messageOf(error)}` });
    });
    return this.queue;
  }

  private async startNow(): Promise<void> {
    if (this.connection?.client.isRunning()) return;
    await this.stopNow();
    const found = server(this.context);
    await this.walkthrough.set("serverFound", found.kind === "found");
    if (found.kind === "missing") {
      this.become({ kind: "missing" });
      return;
    }
    if (found.kind === "wrong-setting") {
      this.become({ kind: "stopped", reason: found.message });
      return;
    }
    this.become({ kind: "starting" });
    this.log.info(`starting ${found.program} (${found.origin})`);
    const client = new LanguageClient(
      "codeassist",
      "codeassist",
      {
        command: found.program,
        args: isServerShared() ? ["serve", "--shared"] : ["serve"],
        options: { cwd: await ownFolder(this.context) },
      },
      this.options(),
    );
    const feedback = new Feedback((method, { item, ...rest }) => {
      const wire = { ...item, range: client.code2ProtocolConverter.asRange(item.range) };
      client
        .sendNotification(method, { item: wire, ...rest })
        .catch((error: unknown) => this.log.warn(messageOf(error)));
    });
    this.connection = { client, feedback };
    client.registerFeature(ASK_FOR_STATUS);
    client.onNotification("didChangeStatus", (message: unknown) => {
      const status = serverStatus(message);
      if (!status) return;
      const wasBusy = this.isBusy;
      this.become({ kind: "running", status });
      if (wasBusy && !status.busy) this.askAgain();
      if (!status.busy) this.lookAtModel(client).catch((error: unknown) => this.log.warn(messageOf(error)));
    });
    client.onNotification(ShowMessageNotification.type, async ({ type, message }) => {
      // What is said of a model that can be fetched is said with a button for it (`askToFetch`).
      if (type === MessageType.Error && this.current.kind === "running") {
        const { missing, problem } = await this.lookAtModel(client);
        if (missing !== undefined && problem !== undefined && message.includes(problem)) return;
      }
      say(type, message);
    });
    client.onDidChangeState(({ newState }) => {
      if (this.connection?.client !== client) return;
      if (newState === ClientState.Starting) this.become({ kind: "starting" });
      if (newState === ClientState.Running && this.current.kind !== "running") {
        this.become({ kind: "running", status: STARTED });
      }
      if (newState === ClientState.Stopped) {
        this.become({ kind: "stopped", reason: "The server ended by itself. The log says more." });
      }
    });
    await client.start();
  }

  private async stopNow(): Promise<void> {
    const { connection } = this;
    if (connection === undefined) return;
    this.connection = undefined;
    connection.feedback.dispose();
    // A client that starts again after a crash cannot be stopped before it runs; how its start ends does not matter here.
    await Promise.allSettled(connection.client.needsStop() ? [connection.client.start()] : []);
    await connection.client.dispose();
  }

  private options(): LanguageClientOptions {
    return {
      documentSelector: SCHEMES.map((scheme) => ({ scheme })),
      outputChannel: this.log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      initializationOptions: () => settings(this.context),
      synchronize: { configurationSection: "codeassist" },
      middleware: {
        provideInlineCompletionItems: async (document, position, context, token, next) => {
          const { version } = document;
          const askedMs = performance.now();
          const answer = await next(document, position, context, token);
          const isCurrent = document.version === version && !token.isCancellationRequested;
          if (isCurrent && !isEmpty(answer)) this.noteTime(performance.now() - askedMs);
          this.missed = isCurrent && this.isBusy && isEmpty(answer) ? { document, version, position } : undefined;
          if (isCurrent) this.connection?.feedback.answered(document, position, context, answer);
          return answer;
        },
        executeCommand: async (command, args, next) => {
          if (command === "codeassist.accept") await this.walkthrough.set("accepted", true);
          return await next(command, args);
        },
        workspace: {
          // Both would send VS Code's defaults too, which must not win over the user's config.toml.
          didChangeConfiguration: async () => {
            await this.connection?.client.sendNotification(DidChangeConfigurationNotification.type, {
              settings: { codeassist: settings(this.context) },
            });
          },
          configuration: ({ items }) =>
            items.map(({ section, scopeUri }) => {
              const scope = scopeUri && this.connection?.client.protocol2CodeConverter.asUri(scopeUri);
              return section === "codeassist" ? settings(this.context, scope || undefined) : null;
            }),
        },
      },
    };
  }

  /** Ask what the server says of its model: the status alone does not say whether it can be fetched. */
  private async lookAtModel(client: LanguageClient): Promise<ModelFacts> {
    const params = { command: "codeassist.status", arguments: [] };
    const facts = modelFacts(await client.sendRequest(ExecuteCommandRequest.type, params));
    if (this.connection?.client !== client || this.current.kind !== "running") return facts;
    this.model = facts;
    await this.walkthrough.set("modelReady", facts.name !== undefined);
    this.changes.fire(this.current);
    return facts;
  }

  private noteTime(tookMs: number): void {
    this.timing.note(tookMs);
    this.changes.fire(this.current);
  }

  private get running(): LanguageClient | undefined {
    return this.current.kind === "running" ? this.connection?.client : undefined;
  }

  private get isBusy(): boolean {
    return this.current.kind === "running" && this.current.status.busy;
  }

  /** What the server was asked while its model was being loaded came back empty, and VS Code asks at the next key only. */
  private askAgain(): void {
    const { missed } = this;
    const editor = window.activeTextEditor;
    this.missed = undefined;
    if (missed === undefined || editor?.document !== missed.document || missed.document.version !== missed.version)
      return;
    if (!editor.selection.isEmpty || !editor.selection.active.isEqual(missed.position)) return;
    commands.executeCommand("editor.action.inlineSuggest.trigger").then(undefined, (error: unknown) => {
      this.log.warn(messageOf(error));
    });
  }

  private become(state: State): void {
    this.current = state;
    if (state.kind !== "running") this.model = {};
    this.changes.fire(state);
  }
}

function say(type: MessageType, message: string): void {
  if (type === MessageType.Error) void window.showErrorMessage(message);
  else if (type === MessageType.Warning) void window.showWarningMessage(message);
  else void window.showInformationMessage(message);
}

function isEmpty(answer: InlineCompletionItem[] | InlineCompletionList | null | undefined): boolean {
  return !answer || ("items" in answer ? answer.items : answer).length === 0;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
