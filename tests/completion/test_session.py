"""A session on a tiny random model: the whole way from a request to a result, and what loading refuses."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from codeassist.completion.document_state import DocumentState, SnippetPolicy, before_typed_word
from codeassist.completion.open_session import open_session
from codeassist.completion.pipeline import Job
from codeassist.completion.session import Session
from codeassist.engine.layers.int8_products import int8_supported
from codeassist.errors import Cancelled, ModelError
from codeassist.models.model_store import InstalledModel
from codeassist.request import CompletionRequest, NoRetriever, Retrieval, Snippet
from codeassist.settings import CacheSettings, CompletionSettings, Folders, ModelSettings, Settings, UserModel
from tests.tiny_models import CODE, save_model

REQUEST = CompletionRequest("pkg/a.py", CODE[:100], CODE[100:160], max_new_tokens=8, max_lines=None)
Open = Callable[..., Session]


class OneSnippet:
    def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
        return Retrieval(
            (Snippet("b.py", "def b():\n    pass\n", 1, 3, "bm25", 1.0, "because"),), {"bm25": 1.5}, ("folder",)
        )


@pytest.fixture
def open_tiny(tmp_path: Path) -> Open:
    torch.set_num_threads(1)

    def make(
        family: str = "qwen2", cache: str = "live", model: ModelSettings | None = None, **config: object
    ) -> Session:
        folder = tmp_path / f"{family}-coder"  # a general model of that name was not trained to fill in
        folder.mkdir()
        save_model(folder, family, **config)
        settings = Settings(
            model=model or ModelSettings(format="float32", context_tokens=128, threads=1),
            completion=CompletionSettings(max_new_tokens=16),
            cache=CacheSettings(mode="exact" if cache == "exact" else "live"),
            places=Folders(tmp_path / "config.toml", tmp_path / "data", tmp_path / "cache", tmp_path / "run"),
        )
        return open_session(settings, InstalledModel("tiny", folder, "0" * 64, "safetensors"))

    return make


def test_a_completion_says_what_it_saw_and_what_it_took(open_tiny: Open) -> None:
    completion = open_tiny().complete(REQUEST, OneSnippet())
    assert completion.finish_reason == "max_tokens" and completion.trace.num_new_tokens == 8
    assert completion.trace.late_sources == ("folder",)
    assert [used.snippet.path for used in completion.snippets] == ["b.py"]
    assert {"retrieve_bm25", "prompt", "prefill", "decode", "total"} <= set(completion.trace.stage_ms)
    assert completion.trace.num_prompt_tokens <= 128 and completion.confidence is not None
    tokens = completion.trace.tokens
    assert len(tokens) == 8 and "".join(token.text for token in tokens) == completion.raw_text
    mean = math.exp(math.fsum(math.log(token.probability) for token in tokens) / len(tokens))
    assert mean == pytest.approx(completion.confidence, rel=1e-6)


def test_a_second_request_reuses_the_first_ones_states(open_tiny: Open) -> None:
    session = open_tiny()
    document = DocumentState()
    first = session.complete(REQUEST, NoRetriever(), document=document)
    again = session.complete(REQUEST, NoRetriever(), document=document)
    assert first.trace.num_cached_tokens == 0
    assert again.trace.num_cached_tokens == again.trace.num_prompt_tokens - 1
    assert again.text == first.text
    typed = dataclasses.replace(REQUEST, prefix=REQUEST.prefix + "x")
    assert session.complete(typed, NoRetriever(), document=document).trace.num_cached_tokens > 0


@pytest.mark.parametrize("cache", ["live", "exact"])
def test_who_has_no_patience_is_answered_from_less_and_the_rest_is_read_meanwhile(
    open_tiny: Open, monkeypatch: pytest.MonkeyPatch, cache: str
) -> None:
    monkeypatch.setattr(
        "codeassist.engine.layers.model._RECENT", 0.0
    )  # nothing is measured: the tiny model is no slow one
    session = open_tiny(
        cache=cache, model=ModelSettings(format="float32", context_tokens=400, threads=1), max_position_embeddings=512
    )
    engine = session.engine
    engine.model.ms_per_token = 10.0
    request = dataclasses.replace(REQUEST, prefix=CODE * 4, suffix=CODE[:60])
    document = DocumentState("a.py")
    whole = session.complete(request, OneSnippet(), document=document)
    assert whole.trace.num_prompt_tokens > 350
    document.close()

    hasty = dataclasses.replace(request, patience_ms=2000.0)
    cut = session.complete(hasty, OneSnippet(), document=document)
    assert 100 < cut.trace.num_prompt_tokens <= 200 and cut.trace.num_cached_tokens < 20  # a snippet that was kept
    assert any("still being read" in notice for notice in cut.trace.notices)
    cache = document.cache(engine)
    assert engine.next_awaited() is cache

    typed = dataclasses.replace(hasty, prefix=hasty.prefix + "x")
    looks = iter([False] * 5)
    with pytest.raises(Cancelled):  # a job comes while the rest is read
        engine.read_awaited(cache, lambda: next(looks, True))
    again = session.complete(typed, OneSnippet(), document=document)
    assert (
        again.trace.num_prompt_tokens <= 200 and again.trace.num_cached_tokens > 100
    )  # from the cut prompt's own cache
    engine.read_awaited(cache)
    assert engine.next_awaited() is None

    full = session.complete(dataclasses.replace(typed, prefix=typed.prefix + "y"), OneSnippet(), document=document)
    assert full.trace.num_prompt_tokens > 350 and full.trace.num_cached_tokens > 300 and not full.trace.notices
    assert engine.held == (cache,)
    assert session.complete(hasty, OneSnippet(), document=document).text == whole.text or cache == "live"


class New:
    """Two snippets stand in a document's prompts; when its file is longer, a third, longer one comes to be the best."""

    stands = (Snippet("b.py", "def b():\n    pass\n", 1, 3, "bm25", 1.0, "because"),)
    comes = Snippet("c.py", "value = compute(value)\n" * 12, 1, 13, "bm25", 2.0, "because")

    def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
        return Retrieval((self.comes, *self.stands) if len(request.prefix) > len(CODE) else self.stands)


def test_new_snippets_are_read_when_nothing_else_is_to_be_done(
    open_tiny: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codeassist.engine.layers.model._RECENT", 0.0)  # nothing is measured
    session = open_tiny(
        model=ModelSettings(format="float32", context_tokens=500, threads=1), max_position_embeddings=600
    )
    session.engine.model.ms_per_token = 1.0
    before = CompletionRequest(
        "a.py", CODE, CODE[:60], max_new_tokens=8, max_lines=None, patience_ms=1e4, snippets_ms=20.0
    )
    document = DocumentState("a.py", policy=SnippetPolicy())
    first = session.complete(before, New(), document=document)  # all is new: the file's part takes longer
    assert [used.snippet.path for used in first.snippets] == ["b.py"] and not first.trace.is_hasty

    now = dataclasses.replace(before, prefix=before.prefix + "value = ")
    hasty = session.complete(now, New(), document=document)
    assert hasty.trace.is_hasty and [used.snippet.path for used in hasty.snippets] == ["b.py"]
    assert hasty.trace.num_prompt_tokens - hasty.trace.num_cached_tokens < 20
    cache = document.cache(session.engine)
    looks = iter([False] * 3)
    with pytest.raises(Cancelled):  # a job comes while the rest is read
        session.engine.read_awaited(cache, lambda: next(looks, True))
    typed = dataclasses.replace(now, prefix=now.prefix + "c")
    assert session.complete(typed, New(), document=document).trace.is_hasty
    session.engine.read_awaited(cache)
    whole = session.complete(typed, New(), document=document)
    assert not whole.trace.is_hasty and whole.trace.num_prompt_tokens - whole.trace.num_cached_tokens < 20
    assert [used.snippet.path for used in whole.snippets] == ["c.py", "b.py"]

    asked = dataclasses.replace(now, prefix=now.prefix + "d", snippets_ms=None)
    document = DocumentState("a.py", policy=SnippetPolicy())
    session.complete(before, New(), document=document)
    assert len(session.complete(asked, New(), document=document).snippets) == 2  # who asks waits for all of it


def test_what_was_read_of_a_new_snippet_is_shown(open_tiny: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codeassist.engine.layers.model._RECENT", 0.0)  # nothing is measured
    session = open_tiny(
        model=ModelSettings(format="float32", context_tokens=500, threads=1), max_position_embeddings=600
    )
    engine = session.engine
    engine.model.ms_per_token = 1.0
    before = CompletionRequest(
        "a.py", CODE, CODE[:60], max_new_tokens=8, max_lines=None, patience_ms=1e4, snippets_ms=1.0
    )
    document = DocumentState("a.py", policy=SnippetPolicy())
    session.complete(before, New(), document=document)
    now = dataclasses.replace(before, prefix=before.prefix + "value = ")
    session.complete(now, New(), document=document)
    cache = document.cache(engine)
    awaited = cache.awaited
    assert awaited is not None
    (new,) = engine.missing(cache, awaited)
    begun = dataclasses.replace(
        awaited, tokens=(*awaited.tokens[: new.start + 40], *awaited.tokens[new.stop :]), snippets=()
    )
    engine.await_reading(cache, begun)
    engine.read_awaited(cache)
    shown = session.complete(now, New(), document=document)
    assert [used.num_tokens for used in shown.snippets if used.snippet is New.comes] == [
        new.start + 40 - awaited.snippets[-1].start
    ]
    assert shown.trace.is_hasty and shown.trace.num_prompt_tokens - shown.trace.num_cached_tokens < 30


def test_a_cut_prompt_says_which_snippets_it_holds(open_tiny: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codeassist.engine.layers.model._RECENT", 0.0)  # nothing is measured

    class Long:
        def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
            return Retrieval((Snippet("b.py", "value = compute(value)\n" * 8, 1, 9, "bm25", 1.0, "because"),))

    session = open_tiny(
        model=ModelSettings(format="float32", context_tokens=400, threads=1), max_position_embeddings=512
    )
    session.engine.model.ms_per_token = 10.0
    request = dataclasses.replace(REQUEST, prefix=CODE * 4, suffix=CODE[:60])
    assert len(session.complete(request, Long()).snippets) == 1
    cut = session.complete(dataclasses.replace(request, patience_ms=2000.0), Long())
    assert cut.trace.is_hasty and cut.snippets == ()


def test_names_are_analysed_while_snippets_are_looked_for(open_tiny: Open) -> None:
    order: list[str] = []

    class Monitors:
        def begin(self, request: CompletionRequest, deadline_ms: float) -> None:
            order.append("analysis")

    class Ordered(NoRetriever):
        def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
            order.append("retrieval")
            return super().retrieve(request, max_chars)

    session = dataclasses.replace(open_tiny(), monitoring=Monitors())  # type: ignore[arg-type]
    session.complete(dataclasses.replace(REQUEST, monitor_deadline_ms=60.0), Ordered())
    assert order == ["analysis", "retrieval"]


def test_who_has_patience_enough_sees_all_of_it_at_once(open_tiny: Open) -> None:
    session = open_tiny()
    session.engine.model.ms_per_token = 1.0
    completion = session.complete(dataclasses.replace(REQUEST, patience_ms=1000.0), OneSnippet())
    assert completion.text == session.complete(REQUEST, OneSnippet()).text and session.engine.next_awaited() is None


def test_exact_mode_answers_as_a_fresh_session(open_tiny: Open, tmp_path: Path) -> None:
    session = open_tiny(cache="exact")
    document = DocumentState()
    moved = dataclasses.replace(REQUEST, prefix="import os\n" + REQUEST.prefix)
    session.complete(moved, OneSnippet(), document=document)
    reused = session.complete(REQUEST, OneSnippet(), document=document)
    assert session.complete(REQUEST, OneSnippet()).text == reused.text


def test_alternatives_cost_only_their_own_decoding(open_tiny: Open) -> None:
    session = open_tiny()
    document = DocumentState()
    answers = [
        session.complete(dataclasses.replace(REQUEST, alternative=n), NoRetriever(), document=document)
        for n in range(3)
    ]
    assert len({answer.text for answer in answers}) == 3
    assert [a.trace.num_prompt_tokens - a.trace.num_cached_tokens for a in answers[1:]] == [1, 1]
    assert session.complete(REQUEST, NoRetriever(), document=document).text == answers[0].text


@pytest.mark.parametrize("end", [0, 1, 3])
def test_alternatives_together_are_those_that_come_one_by_one(open_tiny: Open, end: int) -> None:
    """Within a word, too."""
    session = open_tiny()
    document = DocumentState()
    at = before_typed_word(REQUEST.prefix)
    request = dataclasses.replace(REQUEST, prefix=at + session.complete(REQUEST, NoRetriever()).raw_text[:end])
    one_by_one = [
        session.complete(dataclasses.replace(request, alternative=n), OneSnippet(), document=document) for n in range(3)
    ]
    together = list(session.alternatives(Job(request, OneSnippet(), document), 3))
    assert [each.text for each in together] == [each.text for each in one_by_one]
    for one, other in zip(together, one_by_one, strict=True):
        assert one.confidence == pytest.approx(other.confidence, rel=1e-3)
        assert one.trace.num_prompt_tokens == other.trace.num_prompt_tokens
        assert [used.snippet for used in one.snippets] == [used.snippet for used in other.snippets]
    assert session.complete(request, OneSnippet(), document=document).text == one_by_one[0].text


def test_a_block_is_asked_for_by_its_extent(open_tiny: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    session = open_tiny()
    answer = iter("\n    return 1\n\nx = 2")
    monkeypatch.setattr(type(session.tokenizer), "token_bytes", lambda self, token: next(answer).encode())
    block = dataclasses.replace(REQUEST, prefix="def f():", suffix="\n", max_new_tokens=40, extent="block")
    completion = session.complete(block, NoRetriever())
    assert (completion.text, completion.finish_reason) == ("\n    return 1", "block_end")


def test_cancelled_before_and_while_decoding(open_tiny: Open) -> None:
    session = open_tiny()
    request = dataclasses.replace(REQUEST, prefix=before_typed_word(REQUEST.prefix))
    with pytest.raises(Cancelled):
        session.complete(request, NoRetriever(), lambda: True)
    whole = session.complete(request, NoRetriever())
    looks = iter(
        [False] * 3 + [True] * 100
    )  # one for the prefill's pass, one for each of its layers, then a token each
    cut = session.complete(request, NoRetriever(), lambda: next(looks))
    assert cut.finish_reason == "cancelled"
    assert 0 < cut.trace.num_new_tokens < 8 and whole.text.startswith(cut.text)


def test_a_short_context_is_said_and_kept(open_tiny: Open) -> None:
    session = open_tiny(model=ModelSettings(format="float32", context_tokens=4096))
    completion = session.complete(dataclasses.replace(REQUEST, prefix=CODE * 20), NoRetriever())
    assert any("sees 256 tokens" in notice for notice in completion.trace.notices)
    assert completion.trace.num_prompt_tokens <= 256 - 16


def test_a_sliding_window_bounds_the_context(open_tiny: Open) -> None:
    session = open_tiny("mistral", model=ModelSettings(format="float32"), sliding_window=160)
    assert session.prompter.budget.total <= 160 - 16
    assert any("sees 160 tokens" in notice for notice in session.notices)


@pytest.mark.skipif(not int8_supported(), reason="this torch build has no fbgemm int8 kernels")
def test_a_cpu_gets_int8_by_itself(open_tiny: Open) -> None:
    session = open_tiny(model=ModelSettings(context_tokens=128, device="cpu"))
    assert session.engine.model.backend.name.startswith("int8 (")
    assert session.complete(REQUEST, NoRetriever()).trace.num_new_tokens > 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_named(open_tiny: Open) -> None:
    with pytest.raises(ModelError, match=r"torch sees no GPU.*docs install"):
        open_tiny(model=ModelSettings(device="cuda"))


def test_each_document_has_a_cache_of_its_own_and_closing_it_frees_all(open_tiny: Open) -> None:
    session = open_tiny()
    one, two = DocumentState("one"), DocumentState("two")
    session.complete(REQUEST, NoRetriever(), document=one)
    other = session.complete(REQUEST, NoRetriever(), document=two)
    assert other.trace.num_cached_tokens == 0
    engine = session.engine
    assert engine.held == (one.cache(engine), two.cache(engine))
    one.close()
    assert engine.held == (two.cache(engine),)
    session.complete(REQUEST, NoRetriever())  # of no document: nothing is kept
    assert engine.held == (two.cache(engine),)
    again = session.complete(REQUEST, NoRetriever(), document=one)  # a closed one begins anew
    assert again.trace.num_cached_tokens == 0 and again.text == other.text
    session.close()
    assert engine.held == () and one.cache(engine).num_bytes == 0


def test_a_document_goes_on_with_another_model(open_tiny: Open) -> None:
    session, other = open_tiny(), open_tiny("llama")
    document = DocumentState("a.py")
    session.complete(REQUEST, NoRetriever(), document=document)
    session.close()
    theirs = other.complete(REQUEST, NoRetriever(), document=document)
    assert theirs.text == other.complete(REQUEST, NoRetriever()).text and theirs.trace.num_cached_tokens == 0
    assert session.engine.held == () and other.engine.held == (document.cache(other.engine),)


def test_a_model_that_was_not_trained_to_fill_in_says_so_until_its_entry_asks_for_it(tmp_path: Path) -> None:
    folder = tmp_path / "Qwen3-4B-Base"
    save_model(folder, "qwen3")
    places = Folders(tmp_path / "config.toml", tmp_path / "data", tmp_path / "cache", tmp_path / "run")
    settings = Settings(model=ModelSettings(format="float32", context_tokens=128, threads=1), places=places)
    model = InstalledModel("own", folder, "0" * 64, "safetensors")
    session = open_session(settings, model)
    [notice] = session.notices
    assert "was not trained with them" in notice and '[models.own] template = "qwen-coder"' in notice
    assert session.prompter.template.fim is None
    for template, has_fim in (("qwen-coder", True), ("plain", False)):
        models = {"own": UserModel(folder=folder, template=template)}
        asked = open_session(dataclasses.replace(settings, models=models), model)
        assert asked.notices == () and (asked.prompter.template.fim is not None) is has_fim
    with pytest.raises(ModelError, match="no token <filename>"):
        open_session(dataclasses.replace(settings, models={"own": UserModel(folder=folder, template="mellum")}), model)
