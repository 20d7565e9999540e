"""The kinds of places at which fitting is measured: each finds one place in a file, at random, or none."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from codeassist_eval.fitting.auto_closed import auto_closed_place
from codeassist_eval.fitting.before_code import before_code_place
from codeassist_eval.fitting.block import block_place
from codeassist_eval.fitting.fit_place import FitPlace
from codeassist_eval.fitting.mid_word import mid_word_place
from codeassist_eval.fitting.overrun import overrun_place
from codeassist_eval.fitting.repeated_start import repeated_start_place
from codeassist_eval.fitting.source_file import SourceFile

PLACE_KINDS: dict[str, Callable[[SourceFile, Random], FitPlace | None]] = {
    "auto-closed": auto_closed_place,
    "block": block_place,
    "mid-word": mid_word_place,
    "before-code": before_code_place,
    "repeated-start": repeated_start_place,
    "overrun": overrun_place,
}
"""What draws a place of each kind from a file; it returns None where the line it drew has none."""
