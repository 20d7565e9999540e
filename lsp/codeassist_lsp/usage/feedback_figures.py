"""What counted suggestions add up to: shares, and percentiles of how long they took. Pure.

Knows no database and no way of printing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from typing import Any

from codeassist_lsp.usage.request_log import STAGES, percentiles
from codeassist_lsp.usage.suggestion_outcome import SuggestionOutcome


def figures(tallies: Sequence[SuggestionOutcome], zone: tzinfo | None = None) -> dict[str, Any]:
    """The object that `codeassist stats --json` prints; days are those of `zone`, by default the machine's."""
    return {
        **_summary(tallies),
        "by_language": _by(tallies, lambda tally: tally.language),
        "by_model": _by(tallies, lambda tally: tally.model),
        "by_kind": _by(tallies, lambda tally: tally.kind),
        "by_day": {
            day: {name: found[name] for name in ("shown", "accepted", "acceptance_rate")}
            for day, found in _by(tallies, lambda tally: _day(tally, zone)).items()
        },
    }


def _summary(tallies: Sequence[SuggestionOutcome]) -> dict[str, Any]:
    """Shares are None where there is nothing to share in.

    Who is not known to have seen a suggestion (some clients do not say) does not count towards the rate of acceptance.
    """
    shown = [tally for tally in tallies if tally.is_shown]
    accepted_of_shown = sum(tally.is_accepted for tally in shown)
    looked, kept = sum(tally.looked_chars for tally in tallies), sum(tally.kept_chars for tally in tallies)
    took_ms = {stage: [tally.stage_ms[stage] for tally in tallies if stage in tally.stage_ms] for stage in STAGES}
    return {
        "suggestions": len(tallies),
        "shown": len(shown),
        "accepted": sum(tally.is_accepted for tally in tallies),
        "accepted_in_part": sum(tally.accepted_chars > 0 and not tally.is_accepted for tally in tallies),
        "acceptance_rate": accepted_of_shown / len(shown) if shown else None,
        "accepted_chars": sum(tally.accepted_chars for tally in tallies),
        "looked_chars": looked,
        "kept_chars": kept,
        "kept_share": kept / looked if looked else None,
        "latency_ms": {stage: percentiles(values) for stage, values in took_ms.items() if values},
    }


def _by(tallies: Sequence[SuggestionOutcome], key: Callable[[SuggestionOutcome], str]) -> dict[str, dict[str, Any]]:
    groups: dict[str, list[SuggestionOutcome]] = {}
    for tally in tallies:
        groups.setdefault(key(tally), []).append(tally)
    return {name: _summary(groups[name]) for name in sorted(groups)}


def _day(tally: SuggestionOutcome, zone: tzinfo | None) -> str:
    return datetime.fromtimestamp(tally.at_s).astimezone(zone).date().isoformat()
