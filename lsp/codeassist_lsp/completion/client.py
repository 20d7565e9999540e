"""What a server says to one client on its own account: messages, status, progress, and what it asks the client for.

It is handed states and lines of text.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from codeassist_lsp.completion.inference import ModelState
from codeassist_lsp.completion.progress_bar import ProgressBar
from codeassist_lsp.transport.own_messages import STATUS, Kind, StatusParams

log = logging.getLogger(__name__)

_ANSWER_S = 10.0
_LEVELS = {"error": types.MessageType.Error, "warning": types.MessageType.Warning, "info": types.MessageType.Info}


@dataclass(frozen=True, slots=True)
class Status:
    """What an editor's status bar shows."""

    busy: bool
    message: str
    kind: Kind


@dataclass(slots=True)
class Client:
    """One client, from its `initialized` on. Used on the event loop only."""

    server: LanguageServer
    _said: set[str] = field(default_factory=set[str])
    _status: Status | None = None
    _silent: Mapping[str, str] = field(default_factory=dict[str, str])
    _bars: dict[str, ProgressBar] = field(default_factory=dict[str, ProgressBar])
    _is_leaving: bool = False

    def say(self, message: str, level: Literal["error", "warning", "info"] = "warning") -> None:
        """Show a message, once: whoever has read it needs no second one."""
        if message not in self._said:
            self._said.add(message)
            self.server.window_show_message(types.ShowMessageParams(_LEVELS[level], f"codeassist: {message}"))

    def show_status(self, status: Status) -> None:
        """Send `didChangeStatus` if it is another one than the last, to a client that asks for it."""
        if status != self._status:
            self._status = status
            self._send_status(status)

    def show_silent(self, reason_by_uri: Mapping[str, str]) -> None:
        """Send with the status in which open documents nothing comes by itself, and why, if that is new."""
        if reason_by_uri != self._silent:
            self._silent = reason_by_uri
            if self._status is not None:
                self._send_status(self._status)

    def _send_status(self, status: Status) -> None:
        experimental = self.server.client_capabilities.experimental
        if not isinstance(experimental, dict) or experimental.get(STATUS) is not True:
            return  # it is none of the protocol's: other clients would complain of a message that they do not know
        shown = StatusParams(busy=status.busy, message=status.message, kind=status.kind, silent=dict(self._silent))
        self.server.protocol.notify(STATUS, shown)

    def show_progress(self, what: str, title: str, message: str, done: int = 0, total: int | None = None) -> None:
        """Show how far `what` is; the first call makes the progress."""
        capabilities = self.server.client_capabilities.window
        if self._is_leaving or capabilities is None or not capabilities.work_done_progress:
            return
        if what not in self._bars:
            self._bars[what] = ProgressBar(self.server, title)
        self._bars[what].report(message, done, total)

    def end_progress(self, what: str, message: str) -> None:
        """End the progress of `what`, if there is one."""
        bar = self._bars.pop(what, None)
        if bar is not None:
            bar.end(message)

    def leave(self) -> None:
        """End every progress, and begin none any more: the client is about to go."""
        self._is_leaving = True
        for what in tuple(self._bars):
            self.end_progress(what, "the server ends")

    async def ask_settings(self) -> Any:
        """Return the section `codeassist` as the client has it, None if it does not say."""
        capabilities = self.server.client_capabilities.workspace
        if capabilities is None or not capabilities.configuration:
            return None
        params = types.ConfigurationParams([types.ConfigurationItem(section="codeassist")])
        try:
            answer = await asyncio.wait_for(self.server.workspace_configuration_async(params), _ANSWER_S)
        except (TimeoutError, JsonRpcException) as error:
            log.warning("the client did not say its settings: %s", error or type(error).__name__)
            return None
        return answer[0] if answer else None

    async def register(self, registration: types.Registration) -> None:
        """Ask the client to send a method too."""
        try:
            registering = self.server.client_register_capability_async(types.RegistrationParams([registration]))
            await asyncio.wait_for(registering, _ANSWER_S)
        except (TimeoutError, JsonRpcException) as error:
            log.info("the client does not send %s: %s", registration.method, error or type(error).__name__)


def status_of(state: ModelState, mode: str, problems: Sequence[str] = ()) -> Status:
    """What to show for the model's state, the mode that is set, and problems that leave the model alone."""
    if mode == "off":
        return Status(False, "completions are switched off", "Inactive")
    if state.loading is not None:
        return Status(True, f"{state.loading.stage} {state.loading.name}".strip(), "Normal")
    if state.problem is not None:
        return Status(False, state.lack or state.problem, "Warning" if state.name is not None else "Error")
    if state.name is None:
        return Status(False, "no model yet", "Inactive")
    if problems:
        return Status(False, f"{state.name}; {'; '.join(problems)}", "Warning")
    return Status(False, state.name, "Normal")
