"""What answers of a language server add up to: times by stage, what the server itself adds, what became of requests."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

from codeassist_eval.percentiles import percentiles
from codeassist_eval.typing.lsp_replay import Answer, ReplayedSession

_in_ms = partial(percentiles, digits=2)

STAGES = ("debounce", "queue", "retrieve", "sync", "first_token", "decode")


def lsp_figures(sessions: Sequence[ReplayedSession]) -> dict[str, Any]:
    """Return the figures of at least one session, ready for JSON."""
    answers = [answer for session in sessions for answer in session.answers]
    modelled = [answer for answer in answers if "decode" in answer.stage_ms and answer.outcome != "cancelled"]
    known = [answer for answer in answers if answer.outcome == "cached"]
    shown = [answer for answer in answers if answer.outcome in ("answered", "cached")]
    return {
        "response_ms": _in_ms(answer.ms for answer in shown),
        "modelled_ms": _in_ms(answer.ms for answer in modelled),
        "cached_ms": _in_ms(answer.ms for answer in known),
        "cancelled_ms": _in_ms(answer.ms for answer in answers if answer.outcome == "cancelled"),
        "stages_ms": {
            stage: _in_ms(stages_of(answer)[stage] for answer in modelled if stage in answer.stage_ms)
            for stage in STAGES
        },
        "first_token_after_ms": _in_ms(_until_first_token(answer) for answer in modelled),
        "overhead_ms": _in_ms(overhead_ms(answer) for answer in modelled),
        "overhead_in_server_ms": _in_ms(in_server_ms(answer) for answer in modelled if answer.server_ms is not None),
        "overhead_between_ms": _in_ms(
            answer.ms - answer.server_ms for answer in modelled if answer.server_ms is not None
        ),
        "overhead_stages_ms": {
            "before": _in_ms(
                answer.before_ms - answer.stage_ms.get("debounce", 0.0)
                for answer in modelled
                if answer.before_ms is not None
            ),
            "prompt": _in_ms(answer.stage_ms["prompt"] for answer in modelled if "prompt" in answer.stage_ms),
            "trim": _in_ms(answer.stage_ms["trim"] for answer in modelled if "trim" in answer.stage_ms),
            "after": _in_ms(answer.after_ms for answer in modelled if answer.after_ms is not None),
        },
        "overhead_with_retrieval_ms": _in_ms(
            overhead_ms(answer) + answer.stage_ms.get("retrieve", 0.0) for answer in modelled
        ),
        "late_percent": 100 * statistics.fmean(answer.has_late_source for answer in modelled) if modelled else None,
        "ready_s": percentiles((session.ready_s for session in sessions), digits=3),
        "first_completion_s": percentiles((session.first_completion_s for session in sessions), digits=3),
        "num_sessions": len(sessions),
        "num_keystrokes": len(answers),
        "outcomes": dict(Counter(answer.outcome for answer in answers).most_common()),
        "reused_share": statistics.fmean(session.status["tokens"]["reused_share"] for session in sessions),
        "peak_rss_bytes": max(session.peak_rss_bytes for session in sessions),
    }


def stages_of(answer: Answer) -> dict[str, float]:
    """Return the time of each stage, one after the other: the server counts the first token into decoding."""
    stages = {stage: answer.stage_ms[stage] for stage in STAGES if stage in answer.stage_ms}
    if "decode" in stages:
        stages["decode"] -= stages.get("first_token", 0.0)
    return stages


def overhead_ms(answer: Answer) -> float:
    """What server and wire add to waiting on purpose, waiting for the model, retrieval and the model."""
    return answer.ms - sum(stages_of(answer).values())


def in_server_ms(answer: Answer) -> float:
    """What of that passed within the server, from the request's last byte read to the answer's bytes handed on."""
    assert answer.server_ms is not None
    return answer.server_ms - sum(stages_of(answer).values())


def _until_first_token(answer: Answer) -> float:
    return answer.ms - stages_of(answer)["decode"] - answer.stage_ms.get("trim", 0.0)
