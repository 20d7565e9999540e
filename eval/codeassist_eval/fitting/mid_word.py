"""Places in the middle of a word: the answer is the rest of the line, as if the word ended at the cursor."""

from __future__ import annotations

import re
from random import Random

from codeassist_eval.fitting.fit_place import FitPlace
from codeassist_eval.fitting.source_file import SourceFile

_WORD = re.compile(r"\w{2,}")


def mid_word_place(file: SourceFile, rng: Random) -> FitPlace | None:
    """The cursor stands within a word that is there to its end; the answer writes the rest of it again."""
    words = list(_WORD.finditer(file.text))
    if not words:
        return None
    word = rng.choice(words)
    at = rng.randrange(word.start() + 1, word.end())
    end = file.text.find("\n", at)
    end = len(file.text) if end < 0 else end
    prefix, suffix = file.text[:at], file.text[at:]
    return FitPlace("mid-word", file.path, prefix, suffix, file.text[at:end], (file.text,))
