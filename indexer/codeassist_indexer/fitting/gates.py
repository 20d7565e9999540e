"""Answers that are shown to nobody, however they are fitted. Pure.

The last step of fitting: `may_be_shown`.
"""

from __future__ import annotations

from codeassist_indexer.fitting.fitted import Fitted
from codeassist_indexer.fitting.place import FitContext


def may_be_shown(fitted: Fitted, place: FitContext) -> bool:
    """Whether the fitted answer says anything at this place."""
    return bool(fitted.text.strip())
