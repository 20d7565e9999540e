"""Where a change of whole lines goes in a document, and how long an edit is known."""

from __future__ import annotations

import random

from codeassist.document import Document
from codeassist.edits.change import LineChange
from codeassist.edits.lines import lines_of, with_changes
from codeassist_lsp.edits.shown_edit import span_of

SEED = 20261130


def test_a_span_makes_what_the_change_says() -> None:
    rng = random.Random(SEED)
    for _ in range(2_000):
        end = rng.choice(("\n", "\r\n"))
        text = "".join(rng.choice(("a", "😀 b", "")) + end for _ in range(rng.randrange(5))) + rng.choice(("", "last"))
        lines = lines_of(text)
        start = rng.randrange(len(lines) + 1)
        old = lines[start : start + rng.randrange(3)]
        new = tuple(rng.choice(("x", "y z", "")) for _ in range(rng.randrange(3)))
        if not old and not new:
            continue
        document = Document("a.py", text)
        span = span_of(document, LineChange("a.py", start, old, new))
        after, _ = document.apply(span)
        assert lines_of(after.text + "\n") == (
            lines_of(with_changes(text, [LineChange("a.py", start, old, new)]) + "\n")
        ) or lines_of(after.text) == lines_of(with_changes(text, [LineChange("a.py", start, old, new)])), (
            f"seed {SEED}: {text!r} {start} {old} {new} {after.text!r}"
        )
        if end == "\r\n" and "\r\n" in text:
            assert "\n" not in after.text.replace("\r\n", ""), f"seed {SEED}"
        if old and new:  # drawn in place: no line end is replaced that stays
            assert not text[span.start_char : span.end_char].endswith("\n") or old[-1] == "", f"seed {SEED}"
