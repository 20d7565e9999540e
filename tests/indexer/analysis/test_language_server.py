"""A language server of the user's own: asked where the analysis abstains. Wrong entries, missing and dead programs."""

from __future__ import annotations

import logging
import shutil
import sys
from pathlib import Path

import pytest

from codeassist.errors import SettingsError
from codeassist.request import CompletionRequest
from codeassist_indexer.analysis.language_server import server_commands
from codeassist_indexer.analysis.service import RepositoryAnalysisService
from codeassist_indexer.repository import open_analyst
from tests.indexer.analysis.annotated import make_repository

PYRIGHT = Path(sys.executable).with_name("pyright-langserver")
# A default says little: our analysis abstains. A type checker takes it for what is meant.
TEXT = """class Made:
    size = 1


def use(made=Made()):
    return made."""


def found(analyst: RepositoryAnalysisService, text: str) -> tuple[frozenset[str], str] | None:
    analysis = analyst.analyse(CompletionRequest("app.py", text, "\n"))
    assert analysis is not None
    place = analysis.place(text)
    assert place is not None
    allowed = analysis.names(text, place)
    return None if allowed is None else (allowed.names, allowed.source)


def test_entries() -> None:
    assert server_commands(["java=jdtls -data '/a b'", "csharp = omnisharp"]) == {
        "java": ["jdtls", "-data", "/a b"],
        "csharp": ["omnisharp"],
    }
    for entry in ("jdtls", "java=", "cobol=x", "=x"):
        with pytest.raises(SettingsError, match=r"monitor.servers: .* is not LANGUAGE=COMMAND"):
            server_commands([entry])


@pytest.mark.skipif(not PYRIGHT.exists() or shutil.which("node") is None, reason="no pyright-langserver with its node")
def test_a_real_server_is_asked_where_the_analysis_abstains(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    store = make_repository(root, {"app.py": TEXT + "\n"})
    without = open_analyst(store, root)
    assert found(without, TEXT) is None
    without.close()
    analyst = open_analyst(store, root, [f"python={PYRIGHT} --stdio"])
    try:
        known = found(analyst, TEXT)
        assert known is not None
        assert "size" in known[0] and "upper" not in known[0] and known[1] == "language server"
        longer = TEXT.replace("size = 1", "size = 1\n    weight = 2")
        known = found(analyst, longer)  # the text as it is now, not as it was first opened
        assert known is not None and {"size", "weight"} <= known[0]
        known = found(analyst, TEXT + "size\n\n\nMade().")  # what the analysis knows itself is not asked
        assert known is not None and known[1] == "jedi"
        assert found(analyst, TEXT.replace("return made.", "made.missing\n    return made.")) is None
    finally:
        analyst.close()


@pytest.mark.parametrize("command", ["no-such-server --stdio", f"{sys.executable} -c pass"])
def test_a_server_that_is_none_costs_nothing_but_its_answer(
    tmp_path: Path, command: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codeassist_indexer.analysis.language_server._START_S", 5.0)
    root = tmp_path / "repository"
    analyst = open_analyst(make_repository(root, {"app.py": TEXT}), root, [f"python={command}"])
    try:
        with caplog.at_level(logging.WARNING, "codeassist_indexer"):
            assert [found(analyst, "\n" * blanks + TEXT) for blanks in range(1, 6)] == [None] * 5
        assert len(caplog.records) == 1
    finally:
        analyst.close()
