"""Answers that are shown to nobody, however they are fitted. Pure.

The last step of fitting: `may_be_shown`.
"""

from __future__ import annotations

from codeassist_indexer.fitting.fitted import Fitted
from codeassist_indexer.fitting.mid_word import is_glued
from codeassist_indexer.fitting.place import FitContext


def may_be_shown(fitted: Fitted, place: FitContext) -> bool:
    """Whether the fitted answer says anything at this place, and is glued to no half of a word."""
    return bool(fitted.text.strip()) and not is_glued(fitted, place)
