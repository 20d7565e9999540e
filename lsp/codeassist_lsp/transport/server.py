"""The pygls server of one client: our protocol, and no pop-up for what a client does wrong.

`Connection` registers its features.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from inspect import ismethod
from typing import TYPE_CHECKING, Any, TypeVar

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from codeassist import __version__
from codeassist_lsp.transport.protocol import OnExit, Protocol, make_converter

if TYPE_CHECKING:
    from pygls.io_ import Writer
    from pygls.server import ServerErrors

log = logging.getLogger(__name__)
Handler = TypeVar("Handler", bound=Callable[..., Any])
_ALL_NOTEBOOKS = types.NotebookDocumentSyncOptions([types.NotebookDocumentFilterWithNotebook("*")], save=True)


class Server(LanguageServer):
    """Advertises incremental edits. `protocol` is ours: it writes to `writer`, and hands on what `exit` asks for."""

    protocol: Protocol  # pyright: ignore[reportIncompatibleVariableOverride]  # made by the class given below

    def __init__(self, writer: Writer | None = None, on_exit: OnExit = lambda code: None) -> None:
        super().__init__(
            "codeassist",
            __version__,
            text_document_sync_kind=types.TextDocumentSyncKind.Incremental,
            notebook_document_sync=_ALL_NOTEBOOKS,
            protocol_cls=Protocol,
            converter_factory=make_converter,
        )
        # pygls makes the protocol, and gives it nothing but the server.
        if writer is not None:
            self.protocol.set_writer(writer)
        self.protocol.on_exit = on_exit

    def feature(self, feature_name: str, options: Any | None = None) -> Callable[[Handler], Handler]:
        """As pygls', for bound methods too: pygls marks what it is given, which they refuse."""
        return _for_methods(super().feature(feature_name, options))

    def command(self, command_name: str) -> Callable[[Handler], Handler]:
        """As `feature`."""
        return _for_methods(super().command(command_name))

    def report_server_error(self, error: Exception, source: ServerErrors) -> None:
        """Log it, where pygls would show a message. Values of messages are left out."""
        data = getattr(error, "data", None)
        trace = "".join(data.get("traceback", ())) if isinstance(data, dict) else ""
        log.error("%s in %s\n%s", type(error).__name__, source.__name__, trace)


def _for_methods(decorate: Callable[[Any], Any]) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        given: Any = handler
        decorate(partial(given) if ismethod(given) else given)
        return handler

    return register
