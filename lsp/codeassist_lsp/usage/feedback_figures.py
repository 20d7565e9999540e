"""What counted suggestions add up to: shares, and percentiles of how long they took. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from typing import Any

from codeassist_lsp.usage.request_log import STAGES, percentiles
from codeassist_lsp.usage.suggestion_outcome import SuggestionOutcome


def figures(outcomes: Sequence[SuggestionOutcome], zone: tzinfo | None = None) -> dict[str, Any]:
    """The object that `codeassist stats --json` prints; days are those of `zone`, by default the machine's."""
    return {
        **_summary(outcomes),
        "by_language": _by(outcomes, lambda outcome: outcome.language),
        "by_model": _by(outcomes, lambda outcome: outcome.model),
        "by_kind": _by(outcomes, lambda outcome: outcome.kind),
        "by_day": {
            day: {name: found[name] for name in ("shown", "accepted", "acceptance_rate")}
            for day, found in _by(outcomes, lambda outcome: _day(outcome, zone)).items()
        },
    }


def _summary(outcomes: Sequence[SuggestionOutcome]) -> dict[str, Any]:
    """Shares are None where there is nothing to share in.

    Who is not known to have seen a suggestion (some clients do not say) does not count towards the rate of acceptance.
    """
    shown = [outcome for outcome in outcomes if outcome.is_shown]
    accepted_of_shown = sum(outcome.is_accepted for outcome in shown)
    looked, kept = sum(outcome.looked_chars for outcome in outcomes), sum(outcome.kept_chars for outcome in outcomes)
    took_ms = {
        stage: [outcome.stage_ms[stage] for outcome in outcomes if stage in outcome.stage_ms] for stage in STAGES
    }
    return {
        "suggestions": len(outcomes),
        "shown": len(shown),
        "accepted": sum(outcome.is_accepted for outcome in outcomes),
        "jumped": sum(outcome.is_jumped for outcome in outcomes),
        "accepted_in_part": sum(outcome.accepted_chars > 0 and not outcome.is_accepted for outcome in outcomes),
        "acceptance_rate": accepted_of_shown / len(shown) if shown else None,
        "accepted_chars": sum(outcome.accepted_chars for outcome in outcomes),
        "looked_chars": looked,
        "kept_chars": kept,
        "kept_share": kept / looked if looked else None,
        "latency_ms": {stage: percentiles(values) for stage, values in took_ms.items() if values},
    }


def _by(outcomes: Sequence[SuggestionOutcome], key: Callable[[SuggestionOutcome], str]) -> dict[str, dict[str, Any]]:
    groups: dict[str, list[SuggestionOutcome]] = {}
    for outcome in outcomes:
        groups.setdefault(key(outcome), []).append(outcome)
    return {name: _summary(groups[name]) for name in sorted(groups)}


def _day(outcome: SuggestionOutcome, zone: tzinfo | None) -> str:
    return datetime.fromtimestamp(outcome.at_s).astimezone(zone).date().isoformat()
