"""How a client is set up: encoding, settings, folders, the process to watch; at its start and while it runs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import psutil
from lsprotocol import types

from codeassist_lsp.completion.client import Client
from codeassist_lsp.completion.document_session import DocumentSessions
from codeassist_lsp.documents.open_document import choose_encoding
from codeassist_lsp.documents.uri import file_of
from codeassist_lsp.handlers.inline_completion import InlineCompletionHandler
from codeassist_lsp.handlers.text_document import TextDocumentHandler
from codeassist_lsp.transport.client_process import find_process
from codeassist_lsp.transport.server import Server
from codeassist_lsp.transport.stdio import process_ends
from codeassist_lsp.workspace.configuration import Configuration
from codeassist_lsp.workspace.workspaces import Workspaces

log = logging.getLogger(__name__)


class ClientSetup:
    """Handles the messages about the client itself.

    `spawn` runs work beside the messages; `met` is called with what the client says of itself, `ready` once it may be
    told things, `changed` when settings may have changed, `gone` when the client's process is.
    """

    def __init__(
        self,
        server: Server,
        client: Client,
        documents: DocumentSessions,
        configuration: Configuration,
        workspaces: Workspaces,
        editing: TextDocumentHandler,
        asking: InlineCompletionHandler,
        *,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        met: Callable[[types.InitializeParams], None],
        ready: Callable[[], None],
        changed: Callable[[], None],
        gone: Callable[[], None],
    ) -> None:
        self._server = server
        self._client = client
        self._documents = documents
        self._configuration = configuration
        self._workspaces = workspaces
        self._editing = editing
        self._asking = asking
        self._spawn = spawn
        self._met = met
        self._ready = ready
        self._changed = changed
        self._gone = gone
        server.feature(types.INITIALIZE)(self._initialize)
        server.feature(types.INITIALIZED)(self._initialized)
        server.feature(types.SHUTDOWN)(self._shutdown)
        server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)(self._did_change_folders)
        server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)(self._did_change_watched_files)
        server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)(self._did_change_configuration)

    def _initialize(self, params: types.InitializeParams) -> None:
        self._met(params)
        general = params.capabilities.general
        self._documents.encoding = choose_encoding(general.position_encodings if general is not None else None)
        self._configuration.set_options(params.initialization_options)
        folders = [folder.uri for folder in params.workspace_folders or ()]
        if not folders and params.root_uri is not None:
            folders = [params.root_uri]
        for uri in folders:
            self._add_folder(uri)
        if self._configuration.settings(None).editor.completion_items:
            self._asking.offer_list()
        # Looked for before the answer: a client that ends right after it is still known then.
        process = find_process(params.process_id) if params.process_id is not None else None
        if process is not None:
            self._spawn(self._watch_client(process))

    def _initialized(self, params: types.InitializedParams) -> None:
        self._ready()
        self._spawn(self._ask_client())

    def _shutdown(self, params: None) -> None:
        self._client.leave()

    async def _ask_client(self) -> None:
        options = await self._client.ask_settings()
        if options:
            self._configuration.set_options(options)
        self._settings_changed()
        workspace = self._server.client_capabilities.workspace
        changes = workspace.did_change_configuration if workspace is not None else None
        if changes is not None and changes.dynamic_registration:
            method = types.WORKSPACE_DID_CHANGE_CONFIGURATION
            section = types.DidChangeConfigurationRegistrationOptions(section="codeassist")
            await self._client.register(types.Registration(f"codeassist-{method}", method, section))

    async def _watch_client(self, process: psutil.Process) -> None:
        await process_ends(process)
        self._gone()

    def _did_change_configuration(self, params: types.DidChangeConfigurationParams) -> None:
        self._spawn(self._take_configuration(params.settings))

    async def _take_configuration(self, settings: Any) -> None:
        options = settings.get("codeassist", settings) if isinstance(settings, dict) else settings
        if not options:  # a client that would rather be asked
            asked = await self._client.ask_settings()
            if asked is None and not (isinstance(settings, dict) and "codeassist" in settings):
                return  # it says nothing of us, as eglot does: what it said at its start holds
            options = options if asked is None else asked
        self._configuration.set_options(options)
        self._settings_changed()

    def _settings_changed(self) -> None:
        self._changed()
        if self._configuration.settings(None).editor.completion_items:
            registration = self._asking.offer_list()
            documents = self._server.client_capabilities.text_document
            able = documents.completion if documents is not None else None
            if registration is not None and able is not None and able.dynamic_registration:
                self._spawn(self._client.register(registration))

    def _did_change_folders(self, params: types.DidChangeWorkspaceFoldersParams) -> None:
        for folder in params.event.added:
            self._add_folder(folder.uri)
        for folder in params.event.removed:
            path = file_of(folder.uri)
            if path is not None:
                self._workspaces.remove(path)
        self._editing.folders_changed()

    def _add_folder(self, uri: str) -> None:
        path = file_of(uri)
        if path is None or not path.is_dir():
            log.warning("%s is no folder on this machine: no context from it", uri)
            return
        self._workspaces.add(path)

    def _did_change_watched_files(self, params: types.DidChangeWatchedFilesParams) -> None:
        paths = [path for change in params.changes if (path := file_of(change.uri)) is not None]
        for workspace in self._workspaces.all():
            here = [path for path in paths if Path(path).is_relative_to(workspace.root)]
            if here:
                workspace.files_changed(here)
