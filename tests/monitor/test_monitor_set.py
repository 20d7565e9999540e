"""Monitors in a session: names that exist, no word from an analysis that is late, hangs or fails."""

from __future__ import annotations

import dataclasses
import logging
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from codeassist.completion.document_state import DocumentState
from codeassist.completion.open_session import open_session
from codeassist.completion.session import Session
from codeassist.models.model_store import InstalledModel
from codeassist.monitor.monitor_set import MonitorSet
from codeassist.request import Analysis, Completion, CompletionRequest, NoRetriever
from codeassist.settings import CompletionSettings, Folders, ModelSettings, Settings
from tests.monitor.fakes import Hangs, Knows, Raises, Says
from tests.tiny_models import CODE, save_model

_MOST_MS = 60_000.0
PREFIX = CODE[:90] + "\nself."
REQUEST = CompletionRequest("pkg/a.py", PREFIX, "\n", max_new_tokens=24, max_lines=1, monitor_deadline_ms=_MOST_MS)
NAMES = ("encoding", "größe", "read_lines", "value")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("model")


@pytest.fixture(scope="module")
def session(folder: Path) -> Session:
    torch.set_num_threads(1)
    save_model(folder, "qwen2")
    settings = Settings(
        model=ModelSettings(format="float32", context_tokens=128, threads=1),
        completion=CompletionSettings(max_new_tokens=32),
        places=Folders(folder / "config.toml", folder / "data", folder / "cache", folder / "run"),
    )
    return open_session(settings, InstalledModel("tiny", folder, "0" * 64, "safetensors"))


def complete(session: Session, analysis: Analysis | None, **changes: object) -> Completion:
    assert session.monitoring is not None
    session.monitoring.analysts = Knows(analysis)
    return session.complete(dataclasses.replace(REQUEST, **changes), NoRetriever())


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_an_answer_begins_with_a_name_that_exists(session: Session, temperature: float) -> None:
    wanted = set[str | None]()
    for seed in range(6):
        names: Sequence[str] = NAMES[seed % 4 :]
        completion = complete(session, Says(member=names), temperature=temperature, seed=seed)
        found = re.match(r"\w+", completion.raw_text)
        assert found is not None and found[0] in names, completion.raw_text
        act = completion.trace.monitor_acts[0]
        assert (act.kind, act.char, act.name, act.num_allowed) == ("member", 0, found[0], len(names))
        wanted.add(act.wanted)
        assert (
            "monitor" in completion.trace.stage_ms
            and len(completion.trace.monitor_ms) >= completion.trace.num_new_tokens
        )
    assert wanted != {None}, "a random model wants other names"


def test_all_names_in_an_answer_are_looked_at(session: Session) -> None:
    """Bracket after name, dot after bracket: what the model writes after its first name is held to names too."""
    for seed in range(8):
        text = complete(session, Says(member=["get"]), temperature=1.3, seed=seed).raw_text
        assert all(name == "get" for name in re.findall(r"(?<=[\w)])(?:\.|->|::|\?\.)([^\W\d]\w*)", "self." + text))


def test_without_analysis_answers_are_the_models_own(session: Session) -> None:
    plain = complete(session, Says(member=NAMES), monitor_deadline_ms=None)
    assert not plain.trace.monitor_acts and "monitor" not in plain.trace.stage_ms
    for analysis in (None, Says(), Says(member=None), Raises(member=NAMES)):
        again = complete(session, analysis)
        assert again.raw_text == plain.raw_text
        assert again.confidence == pytest.approx(plain.confidence, rel=1e-4)  # the cache's own rounding


def test_who_hangs_is_not_waited_for_beyond_the_deadline(session: Session) -> None:
    plain = complete(session, None)
    hanging = Hangs(member=NAMES)
    late = complete(session, hanging, monitor_deadline_ms=1.0)
    assert late.raw_text == plain.raw_text
    assert [act.outcome for act in late.trace.monitor_acts][:1] == ["late"]
    hanging.go.set()


def test_a_failure_is_logged_once(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    assert session.monitoring is not None
    session.monitoring._logged.clear()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            complete(session, Raises(member=NAMES))
    assert caplog.text.count("an analysis failed") == 1 and "jedi can" in caplog.text


class FailsToPlace(Says):
    def place(self, text: str) -> None:
        raise ValueError("half-written")


def test_an_analysis_that_cannot_even_place_is_asked_nothing_more(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    plain = complete(session, None)
    with caplog.at_level(logging.WARNING):
        assert complete(session, FailsToPlace()).raw_text == plain.raw_text
    assert "half-written" in caplog.text


def test_idle_time_warms_an_analyst(session: Session) -> None:
    monitoring = session.monitoring
    assert isinstance(monitoring, MonitorSet)
    analyst = Knows(None)
    monitoring.analysts = analyst
    document = DocumentState("pkg/a.py")
    session.warm(REQUEST, document)
    assert analyst.was_warmed.wait(60) and document.warmed_by is monitoring
    session.warm(REQUEST, document)  # once for each document
    complete(session, None)
    assert analyst.warmed == [("pkg/a.py", REQUEST.prefix + REQUEST.suffix)]


def test_the_trie_is_kept_for_the_next_start(session: Session, folder: Path) -> None:
    kept = [path for path in (folder / "cache" / "tries").iterdir() if path.is_file()]
    assert len(kept) == 1
