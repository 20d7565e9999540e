"""Completing within a word: each typed letter leaves the prompt as it was, and what comes begins as typed."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
import torch

from codeassist.completion.document_state import DocumentState
from codeassist.completion.open_session import open_session
from codeassist.completion.pipeline import Job, completions
from codeassist.completion.session import Session
from codeassist.models.model_store import InstalledModel
from codeassist.request import CompletionRequest, NoRetriever
from codeassist.settings import CacheSettings, CompletionSettings, Folders, ModelSettings, Settings
from codeassist_eval.runs.batches import BatchedSession
from tests.monitor.fakes import Knows, Says
from tests.tiny_models import CODE, save_model

FAMILIES = ("qwen2", "starcoder2", "llama", "mistral")
REQUEST = CompletionRequest("pkg/a.py", "", CODE[200:260], max_new_tokens=10, max_lines=None)
PLACES = [found.start() for found in re.finditer(r"(?<!\w)[A-Za-z_]\w{3,}", CODE)][4:40:3]


def open_tiny(folder: Path, family: str, cache: str = "exact") -> Session:
    torch.set_num_threads(1)
    if not (folder / family).exists():
        (folder / family).mkdir()
        save_model(folder / f"{family}-coder", family)
    settings = Settings(
        model=ModelSettings(format="float32", context_tokens=160, threads=1),
        completion=CompletionSettings(max_new_tokens=16),
        cache=CacheSettings(mode="exact" if cache == "exact" else "live"),
        places=Folders(folder / "config.toml", folder / "data", folder / "cache", folder / "run"),
    )
    return open_session(settings, InstalledModel("tiny", folder / f"{family}-coder", "0" * 64, "safetensors"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.mark.parametrize("family", FAMILIES)
def test_what_comes_at_a_word_s_start_comes_after_each_letter_of_it(folder: Path, family: str) -> None:
    """However the letters typed so far are cut into tokens. Each answer may end a few letters further on."""
    session = open_tiny(folder, family)
    document = DocumentState()
    num_letters = 0
    for at in PLACES:
        request = dataclasses.replace(REQUEST, prefix=CODE[:at])
        whole = session.complete(request, NoRetriever(), document=document)
        letters = re.match(r"\w+", whole.raw_text.partition("\ufffd")[0])
        for end in range(1, 0 if letters is None else len(letters[0]) + 1):
            typed = dataclasses.replace(request, prefix=CODE[:at] + whole.raw_text[:end])
            answer = session.complete(typed, NoRetriever(), document=document)
            rest = whole.raw_text[end:].partition("\ufffd")[0]
            assert answer.raw_text.startswith(rest) or whole.finish_reason == "eos"
            assert answer.trace.num_prompt_tokens == whole.trace.num_prompt_tokens
            assert answer.trace.num_prompt_tokens - answer.trace.num_cached_tokens == 1, "only the last token"
            num_letters += 1
    assert num_letters >= 8


@pytest.mark.parametrize("family", FAMILIES)
def test_other_letters_are_gone_on_with(folder: Path, family: str) -> None:
    """Whatever is typed: the answer's tokens write the letters, and only what comes behind them is answered."""
    session = open_tiny(folder, family, "live")
    document = DocumentState()
    written: list[int] = []
    for at in PLACES:
        for text in ("cust", "日本", "HTTPSConn"):
            request = dataclasses.replace(REQUEST, prefix=CODE[:at] + text)
            prepared = session.prompter.prepare(request, NoRetriever(), document)
            assert prepared.word is not None and prepared.word.text == text
            prompted = session.tokenizer.decode_bytes(
                prepared.prompt.tokens[prepared.prompt.prefix.start : prepared.prompt.prefix.stop]
            ).decode()
            assert CODE[:at].endswith(prompted) and prompted
            answer = session.complete(request, NoRetriever(), document=document)
            assert answer.confidence is not None and 0 <= answer.confidence <= 1 + 1e-6
            written.append(answer.trace.num_new_tokens)
            document.cache(session.engine).live.check()  # type: ignore[union-attr]
    assert max(written) == REQUEST.max_new_tokens


def test_drafts_change_no_answer_within_a_word(folder: Path) -> None:
    session = open_tiny(folder, "qwen2")
    texts = [CODE[: at + end] for at in PLACES for end in (1, 2, 3)]
    answers: list[list[str]] = []
    for speculate in (False, True):
        session.engine.speculate = speculate
        document = DocumentState()
        answers.append(
            [
                session.complete(
                    dataclasses.replace(REQUEST, prefix=text, max_new_tokens=16), NoRetriever(), document=document
                ).raw_text
                for text in texts
            ]
        )
    assert answers[0] == answers[1]


def test_a_batch_answers_within_words_as_each_prompt_alone(folder: Path) -> None:
    session = open_tiny(folder, "qwen2")
    session.engine.speculate = False
    asked = [dataclasses.replace(REQUEST, prefix=CODE[: at + 2]) for at in PLACES[:6]]
    alone = [session.complete(request, NoRetriever()) for request in asked]
    jobs = [Job(request, NoRetriever(), DocumentState()) for request in asked]
    together = {job.request.prefix: done for job, done in completions(BatchedSession(session, len(asked)), jobs)}
    for request, one in zip(asked, alone, strict=True):
        other = together[request.prefix]
        assert not isinstance(other, Exception)
        assert other.raw_text == one.raw_text
        assert other.confidence == pytest.approx(one.confidence, rel=1e-4)


def test_a_prompt_that_is_cut_leaves_the_word_out_too(folder: Path) -> None:
    session = open_tiny(folder, "qwen2")
    request = dataclasses.replace(REQUEST, prefix=CODE + "\n" + CODE[:300] + "\nvalu")
    document = DocumentState()
    prepared = session.prompter.prepare(request, NoRetriever(), document)
    cut = session.prompter.cut(prepared, 60)
    for each in (prepared, cut):
        prompt = each.prompt
        before = session.tokenizer.decode_bytes(prompt.tokens[prompt.prefix.start : prompt.prefix.stop]).decode()
        assert request.prefix.endswith(before + "valu") and each.word is not None
    assert len(cut.prompt.tokens) < len(prepared.prompt.tokens)


NAMES = ("read_lines", "rest", "value", "values", "encoding")


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("typed", ["r", "re", "read", "val", "value", "e"])
def test_a_name_that_was_begun_becomes_one_that_exists(folder: Path, typed: str, temperature: float) -> None:
    session = open_tiny(folder, "qwen2", "live")
    assert session.monitoring is not None
    session.monitoring.analysts = Knows(Says(member=NAMES))
    for seed in range(3):
        for end in (40, 200):
            request = dataclasses.replace(
                REQUEST,
                prefix=CODE[:end] + "\nself." + typed,
                max_new_tokens=24,
                monitor_deadline_ms=60_000.0,
                temperature=temperature,
                seed=seed,
            )
            completion = session.complete(request, NoRetriever())
            found = re.match(r"\w*", completion.raw_text)
            assert found is not None and typed + found[0] in NAMES, completion.raw_text
            act = completion.trace.monitor_acts[0]
            assert (act.kind, act.char, act.name) == ("member", -len(typed), typed + found[0])
            assert all(name.startswith(typed) for name in act.some)


def test_letters_that_begin_no_name_are_left_to_the_model(folder: Path) -> None:
    session = open_tiny(folder, "qwen2", "live")
    assert session.monitoring is not None
    request = dataclasses.replace(REQUEST, prefix=CODE[:120] + "\nself.zz", monitor_deadline_ms=60_000.0)
    session.monitoring.analysts = Knows(None)
    plain = session.complete(request, NoRetriever())
    session.monitoring.analysts = Knows(Says(member=NAMES))
    watched = session.complete(request, NoRetriever())
    assert watched.raw_text == plain.raw_text
    assert watched.trace.monitor_acts[0].outcome == "abstained"
