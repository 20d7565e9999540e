"""Why a suggestion is what it is: its snippets with their reasons and cost, and where the time went.

It makes the document that `codeassist.explain` returns. Lines count from 1, ends are included in text for people and
excluded in `snippets`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from codeassist.completion.completion_json import (
    rounded,
    sent_document,
    snippet_document,
    tokens_document,
    told_of_act,
    told_of_late,
    told_of_sent,
)
from codeassist_lsp.completion.suggestion_log import ShownSuggestion
from codeassist_lsp.documents.open_document import with_newlines

_LINES_AROUND = 6
# What makes markup of a text that has no line of its own; an underscore within a word makes none.
_MARKUP = re.compile(r"[\\`*\[\]<>#|&~]|(?<![^\W_])_|_(?![^\W_])")


def explain(shown: ShownSuggestion) -> dict[str, Any]:
    """The document for one suggestion; `stage_ms` is the whole request's split."""
    completion = shown.suggestion.completion
    snippets = [snippet_document(used) for used in completion.snippets]
    document = {
        "path": shown.session.scope.path,
        "text": shown.at_cursor.text,
        "around": _around(shown),
        "model": completion.model,
        "finish_reason": completion.finish_reason,
        "confidence": completion.confidence,
        "sure": completion.sure,
        "num_prompt_tokens": completion.trace.num_prompt_tokens,
        "num_cached_tokens": completion.trace.num_cached_tokens,
        "num_new_tokens": completion.trace.num_new_tokens,
        "stage_ms": rounded(shown.stage_ms),
        "snippets": snippets,
        "notices": list(completion.trace.notices),
        "sent": sent_document(completion.trace.sent),
        "late_sources": list(completion.trace.late_sources),
        "monitors": [dataclasses.asdict(act) for act in completion.trace.monitor_acts],
        "tokens": tokens_document(completion.trace.tokens),
    }
    return {
        "markdown": _markdown(
            document, told_of_sent(completion.trace.sent), [told_of_act(act) for act in completion.trace.monitor_acts]
        ),
        **document,
    }


def _around(shown: ShownSuggestion) -> dict[str, Any]:
    """Where it stands: some lines up to it, what it takes the place of, and some lines from there on."""
    text, edit = shown.document.document.text, shown.at_cursor
    before, after = with_newlines(text[: edit.start_char]), with_newlines(text[edit.end_char :])
    return {
        "line": before.count("\n") + 1,
        "before": "".join(before.splitlines(keepends=True)[-_LINES_AROUND - 1 :]),
        "replaced": text[edit.start_char : edit.end_char],
        "after": "".join(after.splitlines(keepends=True)[: _LINES_AROUND + 1]),
    }


def nothing_to_explain() -> dict[str, Any]:
    """The document while nothing has been suggested."""
    return {"markdown": "Nothing has been suggested yet.", "snippets": []}


def _markdown(document: Mapping[str, Any], sent: str, acts: Sequence[str]) -> str:
    reused = document["num_cached_tokens"]
    sure = document["confidence"]
    lines = [
        f"# Why this suggestion in {_code(document['path'])}",
        "",
        *_fenced(document["text"]),
        "",
        f"{document['model']}: {document['num_prompt_tokens']} prompt tokens, of them {reused} reused; "
        f"{document['num_new_tokens']} new; ended by {document['finish_reason']}"
        + (f"; mean token probability {sure:.2f}" if sure is not None else ""),
        "",
        _cell(sent),
        "",
    ]
    if document["snippets"]:
        lines += ["## From other files", "", "| where | tokens | source | why |", "| --- | ---: | --- | --- |"]
        for one in document["snippets"]:
            of_package = "" if one["library"] is None else f"{one['library']}: "
            where = f"{of_package}{one['path']}:{one['start_line']}-{one['end_line'] - 1}"
            lines.append(f"| {_code(where)} | {one['num_tokens']} | {_cell(one['source'])} | {_cell(one['reason'])} |")
    else:
        lines.append("Nothing from other files was used.")
    if document["late_sources"]:
        lines += ["", _cell(told_of_late(document["late_sources"]))]
    if acts:
        lines += ["", "## Monitors", "", *(f"- {_cell(act)}" for act in acts)]
    lines += ["", "## Time", "", "| stage | ms |", "| --- | ---: |"]
    lines += [f"| {stage} | {took_ms:.1f} |" for stage, took_ms in document["stage_ms"].items()]
    lines += ["", *(f"Note: {_cell(notice)}" for notice in document["notices"])]
    return "\n".join(lines).rstrip() + "\n"


def _fenced(text: str) -> list[str]:
    fence = "```"
    while fence in text:
        fence += "`"
    return [fence, text, fence]


def _cell(text: str) -> str:
    """Text from a repository, harmless within a table: it makes no links, no markup and no rows.

    Some clients show the page as it is written, so nothing is escaped that means nothing.
    """
    return _MARKUP.sub(r"\\\g<0>", " ".join(text.split()))


def _code(text: str) -> str:
    """Text as code, without what would end it."""
    return "`" + " ".join(text.split()).replace("`", "'").replace("|", "\\|") + "`"
