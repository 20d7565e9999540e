"""A cursor in a file, an answer given there, and what the file must then be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FitPlace:
    """A cursor between `prefix` and `suffix`, and an `answer`.

    `accepted` are the whole texts that are right once the answer has been fitted and inserted, the file itself first;
    where showing nothing is right too, `prefix + suffix` is among them.
    """

    kind: str
    path: str
    prefix: str
    suffix: str
    answer: str
    accepted: tuple[str, ...]

    def accepts(self, whole: str) -> bool:
        """Whether the text is right, but for white space at line ends, which fitting takes away."""
        return any(_tidy(whole) == _tidy(each) for each in self.accepted)


def _tidy(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").split("\n")).rstrip()
