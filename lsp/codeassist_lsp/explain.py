"""Why a suggestion is what it is: its snippets with their reasons and cost, and where the time went.

Knows no client: it makes the document that `codeassist.explain` returns. Lines count from 1, ends are included in text
for people and excluded in `snippets`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from codeassist.request import Completion, UsedSnippet


def explain(completion: Completion, path: str, text: str, stage_ms: Mapping[str, float]) -> dict[str, Any]:
    """The document for one suggestion; `stage_ms` is the whole request's split."""
    snippets = [_snippet(used) for used in completion.snippets]
    document = {
        "path": path,
        "text": text,
        "model": completion.model,
        "finish_reason": completion.finish_reason,
        "confidence": completion.confidence,
        "num_prompt_tokens": completion.num_prompt_tokens,
        "num_cached_tokens": completion.num_cached_tokens,
        "num_new_tokens": completion.num_new_tokens,
        "stage_ms": {stage: round(took_ms, 2) for stage, took_ms in stage_ms.items()},
        "snippets": snippets,
        "notices": list(completion.notices),
    }
    return {"markdown": _markdown(document), **document}


def nothing_to_explain() -> dict[str, Any]:
    """The document while nothing has been suggested."""
    return {"markdown": "Nothing has been suggested yet.", "snippets": []}


def _snippet(used: UsedSnippet) -> dict[str, Any]:
    snippet = used.snippet
    return {
        "path": snippet.path,
        "start_line": snippet.start_line,
        "end_line": snippet.end_line,
        "source": snippet.source,
        "score": snippet.score,
        "reason": snippet.reason,
        "num_tokens": used.num_tokens,
        "text": snippet.text,
    }


def _markdown(document: Mapping[str, Any]) -> str:
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
    ]
    if document["snippets"]:
        lines += ["## From other files", "", "| where | tokens | source | why |", "| --- | ---: | --- | --- |"]
        for one in document["snippets"]:
            where = f"{one['path']}:{one['start_line']}-{one['end_line'] - 1}"
            lines.append(f"| {_code(where)} | {one['num_tokens']} | {_cell(one['source'])} | {_cell(one['reason'])} |")
    else:
        lines.append("Nothing from other files was used.")
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
    """Text from a repository, harmless within a table: it makes no links, no markup and no rows."""
    flat = " ".join(text.split())
    return "".join(f"\\{char}" if char in r"\`*_{}[]<>()#+!|&~" else char for char in flat)


def _code(text: str) -> str:
    """Text as code, without what would end it."""
    return "`" + " ".join(text.split()).replace("`", "'").replace("|", "\\|") + "`"
