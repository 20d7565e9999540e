"""Places at which the answer is too long: it goes on with what follows the cursor, or with a special token."""

from __future__ import annotations

from random import Random

from codeassist_eval.fitting.fit_place import FitPlace
from codeassist_eval.fitting.source_file import SourceFile
from codeassist_eval.fitting.spoilt_answers import cases

# An answer that its length cut off may end where nobody can tell what is the file's and what the answer's.
_CUT_OFF = "cut off"


def overrun_place(file: SourceFile, rng: Random) -> FitPlace | None:
    """One spoilt answer, or one that is right as it is, around a line drawn at random."""
    found = [case for case in cases(file.path, file.text, rng) if case.kind != _CUT_OFF]
    if not found:
        return None
    case = rng.choice(found)
    whole = case.prefix + case.truth + case.suffix
    return FitPlace("overrun", case.path, case.prefix, case.suffix, case.answer, (whole,))
