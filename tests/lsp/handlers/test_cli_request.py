"""A script's request to a server: which of its settings count, and when the server is not the one to ask."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from codeassist.request import CompletionRequest
from codeassist.settings import Settings, defaults
from codeassist_lsp.handlers.cli_request import CliRequest, from_params, loaded_with, why_not


def asked_with(settings: Settings) -> CliRequest:
    request = CompletionRequest("a.py", "x = ", "\n", max_new_tokens=8)
    return CliRequest(request, None, "own", loaded_with(settings), settings.context.mode, settings.index.exclude)


def with_context(settings: Settings, **changes: object) -> Settings:
    return replace(settings, context=replace(settings.context, **changes))  # type: ignore[arg-type]


def test_the_requests_mode_counts_and_the_servers_other_settings_of_context() -> None:
    served = with_context(defaults().settings, encoder=Path("/an/encoder"), rounds=2, deadline_ms=7)
    asked = asked_with(with_context(served, mode="lexical"))
    context = asked.settings(served).context
    assert (context.mode, context.encoder, context.deadline_ms) == ("lexical", Path("/an/encoder"), 7)
    assert context.rounds == 1, "a script asks once: nothing comes after its answer"


def test_what_is_not_a_requests_to_choose_must_be_the_servers() -> None:
    served = defaults().settings
    assert why_not(asked_with(served), served, "own") is None
    assert why_not(asked_with(served), served, "another") == "it serves another, not own"
    reason = why_not(asked_with(with_context(served, encoder=Path("/an/encoder"))), served, "own")
    assert reason is not None and "its context.encoder is" in reason
    wide = replace(served, model=replace(served.model, context_tokens=4096))
    reason = why_not(asked_with(wide), served, "own")
    assert reason is not None and "its model.context_tokens is" in reason
    older = replace(asked_with(served), loaded_with={"model.device": served.model.device})
    assert why_not(older, served, "own") is not None, "a program that says less of itself asks for something else"


def test_it_comes_over_the_wire_as_it_was() -> None:
    asked = asked_with(with_context(defaults().settings, encoder=Path("/an/encoder")))
    assert from_params(asked.to_params()) == asked
