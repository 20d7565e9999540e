"""A completion as JSON: what `codeassist complete --json` prints and what a server answers a program.

Lines count from 1; a snippet's `end_line` is the first line after it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from codeassist.request import AnswerToken, Completion, InstalledIn, MonitorAct, Sent, Snippet, Trace, UsedSnippet


def to_document(completion: Completion) -> dict[str, Any]:
    """Return what a reader may know of a completion."""
    return {
        "text": completion.text,
        "model": completion.model,
        "finish_reason": completion.finish_reason,
        "num_prompt_tokens": completion.trace.num_prompt_tokens,
        "num_cached_tokens": completion.trace.num_cached_tokens,
        "num_new_tokens": completion.trace.num_new_tokens,
        "confidence": completion.confidence,
        "sure": completion.sure,
        "stage_ms": rounded(completion.trace.stage_ms),
        "snippets": [snippet_document(used) for used in completion.snippets],
        "notices": list(completion.trace.notices),
        "sent": sent_document(completion.trace.sent),
        "late_sources": list(completion.trace.late_sources),
        "monitors": [dataclasses.asdict(act) for act in completion.trace.monitor_acts],
        "tokens": tokens_document(completion.trace.tokens),
    }


def from_document(document: Mapping[str, Any]) -> Completion:
    """Return the completion that a document tells of. Raises KeyError and TypeError for what is no such document."""
    return Completion(
        text=document["text"],
        raw_text=document["text"],
        finish_reason=document["finish_reason"],
        model=document["model"],
        snippets=tuple(_snippet(entry) for entry in document["snippets"]),
        confidence=document["confidence"],
        sure=document.get("sure", document["text"]),
        trace=Trace(
            stage_ms=dict(document["stage_ms"]),
            num_prompt_tokens=document["num_prompt_tokens"],
            num_cached_tokens=document["num_cached_tokens"],
            num_new_tokens=document["num_new_tokens"],
            late_sources=tuple(document.get("late_sources", ())),
            notices=tuple(document["notices"]),
            monitor_acts=tuple(_act(entry) for entry in document.get("monitors", ())),
            sent=None if document.get("sent") is None else Sent(**document["sent"]),
            tokens=tuple(AnswerToken(**entry) for entry in document.get("tokens", ())),
        ),
    )


def tokens_document(tokens: Sequence[AnswerToken]) -> list[dict[str, Any]]:
    """Return how likely each token of an answer was."""
    return [{"text": token.text, "probability": round(token.probability, 4)} for token in tokens]


def sent_document(sent: Sent | None) -> dict[str, Any] | None:
    """Return what left this machine, None where nothing did."""
    return None if sent is None else dataclasses.asdict(sent)


def told_of_sent(sent: Sent | None) -> str:
    """Return the same as a sentence."""
    if sent is None:
        return "Nothing left this machine."
    of_file = f"{sent.num_file_chars:,} characters of this file"
    of_others = f"{sent.num_snippets} snippets of other files ({sent.num_snippet_chars:,} characters)"
    again = "" if sent.num_times == 1 else f", {sent.num_times} times"
    cached = sent.num_cached_tokens
    told = "it does not say how much of it was cached" if cached is None else f"{cached:,} of them were cached there"
    return (
        f"Sent to {sent.url}{again}: a prompt of {sent.num_tokens:,} tokens ({sent.num_chars:,} characters) with "
        f"{of_file} and {of_others}; {told}."
    )


def rounded(stage_ms: Mapping[str, float]) -> dict[str, float]:
    """Return times that are worth printing."""
    return {stage: round(took, 2) for stage, took in stage_ms.items()}


def told_of_late(late_sources: Sequence[str]) -> str:
    """Return which sources of context were late, as a sentence; "" where none was."""
    if not late_sources:
        return ""
    one = len(late_sources) == 1
    number = "1 source of context was" if one else f"{len(late_sources)} sources of context were"
    return f"{number} late, and {'its' if one else 'their'} snippets left out: {', '.join(late_sources)}."


def snippet_document(used: UsedSnippet) -> dict[str, Any]:
    """Return what a reader may know of a snippet in a prompt."""
    snippet = used.snippet
    return {
        "path": snippet.path,
        "start_line": snippet.start_line,
        "end_line": snippet.end_line,
        "source": snippet.source,
        "score": snippet.score,
        "reason": snippet.reason,
        "library": snippet.library,
        "library_folder": None if snippet.package is None else snippet.package.folder,
        "num_tokens": used.num_tokens,
        "text": snippet.text,
    }


def _snippet(entry: Mapping[str, Any]) -> UsedSnippet:
    fields = {name: entry[name] for name in ("path", "text", "start_line", "end_line", "source", "score", "reason")}
    label, folder = entry.get("library"), entry.get("library_folder")
    package = InstalledIn(label, folder) if label is not None and folder is not None else None
    return UsedSnippet(Snippet(**fields, package=package), entry["num_tokens"])


def told_of_act(act: MonitorAct) -> str:
    """Return what a monitor did, as a sentence."""
    name = f"{act.kind} {act.name}" if act.name else f"{act.kind}, which the answer does without"
    if act.outcome == "late":
        return f"{name}: the analysis was late"
    if act.outcome == "abstained":
        return f"{name}: the analysis does not know what can stand there"
    some = ", ".join(act.some) + (", …" if act.num_allowed > len(act.some) else "")
    likely = "likely " if act.strength == "likely" else ""
    found = f"{act.num_allowed} {likely}names found by {act.source}" + (f" ({some})" if some else "")
    if act.outcome == "overruled":
        return f"{name}: the model would have written {act.wanted!r}{_sure_of(act)}, which is none of the {found}"
    if act.outcome == "outweighed":
        return f"{name}: none of the {found}, but the model was sure enough of it"
    return f"{name}: one of the {found}"


def _sure_of(act: MonitorAct) -> str:
    return f", sure to {act.wanted_probability or 0:.0%}" if act.is_suspect else ""


def _act(entry: Mapping[str, Any]) -> MonitorAct:
    fields: dict[str, Any] = {**entry, "some": tuple(entry["some"])}
    return MonitorAct(**fields)
