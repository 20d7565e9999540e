"""The dashboard's web server: one page for one user of this machine, from files of the package and one object of data.

What it refuses, and why:

- whoever does not know the token, the first part of every path: other users of the machine, and pages of the web that
  guess the port. It is compared in constant time.
- a Host that is no name of this machine: a page of the web whose name was turned to 127.0.0.1 (DNS rebinding) sends its
  own.
- every method but GET and HEAD: nothing can be changed.
- every path but those of a fixed list: no file is found by a path that came from outside.

What is sent may load and run nothing but its own files, in no frame, and tells its address to nobody.
"""

from __future__ import annotations

import hmac
import json
import logging
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

log = logging.getLogger(__name__)

_PAGE = "codeassist.cli.dashboard"
_KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_FILES = {
    "": "index.html",
    **{name: name for name in ("style.css", "main.js", "panels.js", "charts.js", "dom.js", "icon.svg")},
}
_OWN_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class _Answer:
    status: HTTPStatus
    kind: str = "text/plain"
    body: bytes = b""
    location: str | None = None


class PageServer:
    """Serves the page from `start` to `close`; `take` makes its data, for one request at a time.

    `tell` hears, once each, why it could not. `port` 0: any that is free. Raises OSError where it cannot be had.
    """

    def __init__(self, take: Callable[[], Mapping[str, Any]], tell: Callable[[str], None], port: int = 0) -> None:
        self._take = take
        self._tell = tell
        self._told: set[str] = set()
        self._taking = threading.Lock()
        self._token = secrets.token_urlsafe(24)
        self._ticket: str | None = secrets.token_urlsafe(24)
        self._giving = threading.Lock()
        self._files = {path: _file(name) for path, name in _FILES.items()}

        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.answer = self._answer
        self._thread = threading.Thread(target=self._server.serve_forever, name="dashboard", daemon=True)

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://127.0.0.1:{self._server.server_port}/{self._token}/"

    @property
    def one_time_url(self) -> str:
        """An address that leads to the page once. For a browser's command line, which other users can read."""
        return f"http://127.0.0.1:{self._server.server_port}/{self._ticket}/"

    def start(self) -> None:
        """Begin to serve; returns at once."""
        self._thread.start()

    def close(self) -> None:
        """Serve nothing more."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()

    def _answer(self, target: str, host: str | None) -> _Answer:
        if not _is_own_name(host):
            return _said(HTTPStatus.MISDIRECTED_REQUEST, "this page has no such name; use the address in the terminal")
        token, slash, path = urlsplit(target).path.removeprefix("/").partition("/")
        if self._takes_ticket(token):
            return _Answer(HTTPStatus.FOUND, location=f"/{self._token}/")
        if not _is_same(token, self._token):
            return _said(HTTPStatus.FORBIDDEN, "the token is missing or wrong; use the address in the terminal")
        if not slash:
            return _Answer(HTTPStatus.FOUND, location=f"/{self._token}/")
        if path == "data.json":
            return self._data()
        return self._files.get(path) or _said(HTTPStatus.NOT_FOUND, "there is no such page")

    def _data(self) -> _Answer:
        with self._taking:
            try:
                data = json.dumps(self._take(), default=str).encode()
            except Exception as error:  # the boundary of a request: the page says it, and asks again
                log.exception("the dashboard's data could not be read")
                problem = f"the page's data could not be read ({type(error).__name__}: {error})"
                if problem not in self._told:
                    self._told.add(problem)
                    self._tell(problem)
                return _said(HTTPStatus.INTERNAL_SERVER_ERROR, "reading failed; the terminal says why")
        return _Answer(HTTPStatus.OK, "application/json", data)

    def _takes_ticket(self, token: str) -> bool:
        with self._giving:
            is_one = self._ticket is not None and _is_same(token, self._ticket)
            if is_one:
                self._ticket = None
            return is_one


class _Server(ThreadingHTTPServer):
    answer: Callable[[str, str | None], _Answer]
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]  # the one that makes it
    timeout = 10  # of a connection on which nothing comes
    server_version = "codeassist"
    sys_version = ""

    def do_GET(self) -> None:
        """Send the page, a file of it, or its data."""
        self._send(self.server.answer(self.path, self.headers.get("Host")))

    def do_HEAD(self) -> None:
        """Send the headers of the same."""
        self._send(self.server.answer(self.path, self.headers.get("Host")), with_body=False)

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing: the path has the token in it."""

    def _send(self, answer: _Answer, *, with_body: bool = True) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", f"{answer.kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        if answer.location is not None:
            self.send_header("Location", answer.location)
        self.end_headers()
        if with_body:
            self.wfile.write(answer.body)


def _file(name: str) -> _Answer:
    body = (resources.files(_PAGE) / "page" / name).read_bytes()
    return _Answer(HTTPStatus.OK, _KINDS[name.rpartition(".")[2]], body)


def _said(status: HTTPStatus, line: str) -> _Answer:
    return _Answer(status, body=f"codeassist: {line}\n".encode())


def _is_own_name(host: str | None) -> bool:
    """Whether a Host header names this machine, at any port: an SSH tunnel has its own."""
    try:
        return host is not None and urlsplit(f"//{host}").hostname in _OWN_NAMES
    except ValueError:
        return False


def _is_same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())
