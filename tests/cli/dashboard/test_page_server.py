"""The dashboard's web server: who gets in, what is served, and what its answers let a browser do."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest

from codeassist.cli.dashboard.page_server import PageServer

HOSTILE = "</script><img src=x onerror=alert(1)>\u202e\x1b[31m.py"
TAKEN = {"servers": [], "stats": {"days": 30}, "indexes": [{"root": HOSTILE}]}


class Asked:
    """An answer of the server."""

    def __init__(self, server: PageServer, path: str, method: str = "GET", **headers: str) -> None:
        port = urlsplit(server.url).port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        with closing(connection):
            connection.putrequest(method, path, skip_host=True)
            for name, value in {"Host": f"127.0.0.1:{port}", **headers}.items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            self.status, self.headers, self.body = answer.status, answer.headers, answer.read()


@pytest.fixture
def server() -> Iterator[PageServer]:
    with closing(PageServer(lambda: TAKEN, print)) as made:
        made.start()
        yield made


def home(server: PageServer) -> str:
    return urlsplit(server.url).path


def test_the_page_its_files_and_its_data_are_served_to_who_knows_the_token(server: PageServer) -> None:
    page = Asked(server, home(server))
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    files = set(re.findall(r'(?:src|href)="([^#"]*)"', page.body.decode()))
    assert files == {"icon.svg", "style.css", "main.js"}, "and nothing from elsewhere"
    for name in (*files, "panels.js", "charts.js", "dom.js"):
        assert Asked(server, home(server) + name).status == 200, name
    data = Asked(server, home(server) + "data.json")
    assert (data.status, data.headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    assert json.loads(data.body) == TAKEN
    head = Asked(server, home(server), "HEAD")
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(len(page.body)))


@pytest.mark.parametrize("path", ["/", "/data.json", "/wrong/", "/wrong/data.json", "/%00/", "//evil.example/", "*"])
def test_nobody_gets_in_without_the_token(server: PageServer, path: str) -> None:
    refused = Asked(server, path)
    assert refused.status == 403 and urlsplit(server.url).path.strip("/").encode() not in refused.body


def test_a_token_that_is_nearly_right_is_wrong(server: PageServer) -> None:
    token = home(server).strip("/")
    for wrong in (token[:-1], token + "A", token.swapcase(), token + "%00", "%20" + token):
        assert Asked(server, f"/{wrong}/").status == 403, wrong


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "", "[::1", "0.0.0.0", "127.0.0.1@evil"],
)
def test_a_foreign_host_is_refused_even_with_the_token(server: PageServer, host: str) -> None:
    for path in ("", "data.json"):
        assert Asked(server, home(server) + path, Host=host).status == 421


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "localhost:9999", "LOCALHOST"])
def test_this_machine_has_several_names_and_a_tunnel_its_own_port(server: PageServer, host: str) -> None:
    assert Asked(server, home(server), Host=host).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "../page_server.py",
        "..%2fpage_server.py",
        "/etc/passwd",
        "page/main.js",
        "....//style.css",
        "%2e%2e/",
        "x/..",
    ],
)
def test_no_file_is_found_by_a_path_from_outside(server: PageServer, path: str) -> None:
    assert Asked(server, home(server) + path).status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_nothing_can_be_changed(server: PageServer, method: str) -> None:
    assert Asked(server, home(server), method).status == 501


def test_what_is_sent_may_load_its_own_files_alone_and_is_kept_nowhere(server: PageServer) -> None:
    for path in (home(server), home(server) + "data.json", "/wrong/"):
        headers = Asked(server, path).headers
        policy = dict(each.split(" ", 1) for each in headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert {policy[name] for name in ("script-src", "style-src", "img-src", "connect-src")} == {"'self'"}
        assert {policy[name] for name in ("base-uri", "form-action", "frame-ancestors", "trusted-types")} == {"'none'"}
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer" and "Access-Control-Allow-Origin" not in headers
        assert "Python" not in headers["Server"]


def test_names_from_a_repository_are_data_and_never_markup(server: PageServer) -> None:
    data = Asked(server, home(server) + "data.json")
    assert (
        json.loads(data.body)["indexes"][0]["root"] == HOSTILE and data.headers["X-Content-Type-Options"] == "nosniff"
    )
    for name in ("", "main.js", "panels.js", "charts.js", "dom.js"):
        source = Asked(server, home(server) + name).body.decode()
        for way in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "DOMParser",
            "Function(",
        ):
            assert way not in source, (name, way)


def test_the_address_for_the_browsers_command_line_works_once(server: PageServer) -> None:
    ticket = urlsplit(server.one_time_url).path
    assert home(server).strip("/") not in server.one_time_url
    first = Asked(server, ticket)
    assert (first.status, first.headers["Location"]) == (302, home(server))
    assert Asked(server, ticket).status == 403


def test_readings_that_fail_are_told_and_the_server_goes_on() -> None:
    left = [TAKEN]

    def take() -> Mapping[str, Any]:
        return left.pop()

    said: list[str] = []
    with closing(PageServer(take, said.append)) as server:
        server.start()
        path = home(server) + "data.json"
        assert [Asked(server, each).status for each in (path, path, path, home(server))] == [200, 500, 500, 200]
    assert said == ["the page's data could not be read (IndexError: pop from empty list)"]


def test_it_is_reached_from_this_machine_only(server: PageServer) -> None:
    assert server._server.server_address[0] == "127.0.0.1"
