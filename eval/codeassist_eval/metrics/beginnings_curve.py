"""What showing sure beginnings brings: characters that are right and wrong over a run's answers. Pure.

Right are the characters that an answer and the truth begin with alike; all behind them are wrong. Whether an answer is
shown whole is `Confidence`'s, how much of another `sure_beginning`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from codeassist.completion.beginnings import first_word, sure_beginning
from codeassist.request import AnswerToken

LEAST = (0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer with its tokens, what would have been right, and whether its confidence is at least `min_confidence`:
    then all of it is shown, or at least a word."""

    text: str
    truth: str
    tokens: tuple[AnswerToken, ...]
    is_shown: bool
    min_confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class BeginningsPoint:
    """What is shown with beginnings that are at least so likely right; None: whole answers only.

    `num_shown` answers or beginnings, with together so many characters; `num_cut` whole answers that are right and of
    which only the beginning is shown at first.
    """

    least: float | None
    num_shown: int
    right_chars: int
    wrong_chars: int
    num_cut: int

    @property
    def wrong_share(self) -> float | None:
        """The percent of the characters shown that are wrong."""
        shown = self.right_chars + self.wrong_chars
        return 100 * self.wrong_chars / shown if shown else None


def beginnings_curve(
    answers: Sequence[Answered], least: Iterable[float] = LEAST, *, cuts_shown: bool
) -> list[BeginningsPoint]:
    """Return one point for whole answers, and one a likelihood. `cuts_shown`: answers that are shown are cut, too."""
    points = [_point(answers, [each.text if each.is_shown else "" for each in answers], None)]
    for likelihood in least:
        shown = [each.text if each.is_shown and not cuts_shown else _beginning(each, likelihood) for each in answers]
        points.append(_point(answers, shown, likelihood))
    return points


def _beginning(answer: Answered, least: float) -> str:
    sure = sure_beginning(answer.text, answer.tokens, answer.min_confidence, least)
    return sure or (first_word(answer.text) if answer.is_shown else "")


def _point(answers: Sequence[Answered], shown: Sequence[str], least: float | None) -> BeginningsPoint:
    texts = [text.rstrip() for text in shown]
    right = [num_common(text, each.truth) for text, each in zip(texts, answers, strict=True)]
    is_cut = [
        each.is_shown and each.text.strip() == each.truth.strip() and text != each.text.rstrip()
        for text, each in zip(texts, answers, strict=True)
    ]
    num_right = sum(right)
    return BeginningsPoint(least, sum(map(bool, texts)), num_right, sum(map(len, texts)) - num_right, sum(is_cut))


def num_common(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
