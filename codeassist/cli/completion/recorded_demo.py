"""What a model for code answered at the demo's place, for machines that cannot have one now. `recorded_demo.json` is
what tools/record_demo.py wrote: real output, with its date.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, slots=True)
class RecordedDemo:
    """An answer with and without other files: by which model, when, and at which place."""

    model: str
    date: str
    file: str
    text: str
    text_without_context: str

    def told(self) -> Iterator[str]:
        """Yield it as lines that say that it is recorded."""
        yield f"   Recorded on {self.date} with {self.model}, not computed now:"
        yield f"   without other files: {self.text_without_context!r}"
        yield f"   with other files:    {self.text!r}"


def recorded_demo() -> RecordedDemo:
    """Return the recording that the package has."""
    text = (resources.files("codeassist.cli.completion") / "recorded_demo.json").read_text(encoding="utf-8")
    return RecordedDemo(**json.loads(text))
