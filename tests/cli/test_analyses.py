"""The analysts of a process: one a repository, the least recently used closed first."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeassist.cli.sessions import analyses
from codeassist.request import CompletionRequest
from codeassist.settings import Settings


def test_the_least_recently_used_analyst_is_closed_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    closed: list[object] = []
    monkeypatch.setattr(analyses, "_close", lambda analyst, store: closed.append(analyst))
    services = analyses.AnalysisServices(Settings())

    def find(name: str) -> object:
        root = tmp_path / name
        root.mkdir(exist_ok=True)
        return services.find(CompletionRequest("", "", "a.py", root=str(root)))

    first, second, third = find("first"), find("second"), find("third")
    assert find("first") is first and not closed
    fourth = find("fourth")
    assert closed == [second] and len({id(each) for each in (first, second, third, fourth)}) == 4
    services.close()
    assert closed == [second, third, first, fourth]
    assert find("first") is None
