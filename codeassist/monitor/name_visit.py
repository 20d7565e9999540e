"""What a monitor keeps of one answer's places of names: what was asked there, what was found, what became of it."""

from __future__ import annotations

import re
from concurrent.futures import Future
from dataclasses import dataclass

from codeassist.monitor.monitor import Mask
from codeassist.monitor.name_set import NameSet
from codeassist.request import ActOutcome, MonitorAct, NamePosition

_NAME = re.compile(r"[\w$]*")
_RANK: dict[ActOutcome, int] = {"abstained": 0, "late": 1, "agreed": 2, "outweighed": 3, "overruled": 4}


@dataclass(slots=True)
class Visit:
    """A place that the decoder came to. `told`: what people are told of it; None while only drafts came there."""

    place: NamePosition
    head: str  # the answer before the name
    asked: Future[NameSet | None]
    began: str  # what stood of the name when it was first asked about
    told: ActOutcome | None = None
    wanted: str | None = None
    wanted_probability: float | None = None
    names: NameSet | None = None
    is_known: bool = False

    def tell(self, outcome: ActOutcome) -> None:
        """Take note of what happened, where nothing worth more did before."""
        if self.told is None or _RANK[outcome] > _RANK[self.told]:
            self.told = outcome

    def want(self, wanted: bytes, probability: float) -> None:
        """Take note of the first token that the model was kept from."""
        if self.wanted is None:
            self.wanted, self.wanted_probability = wanted.decode("utf-8", "replace"), probability

    def act(self, prefix: str, answer: str) -> MonitorAct:
        """What people are told, of an answer behind a prefix."""
        assert self.told is not None, "what was only drafted is not told"
        names, place = self.names, self.place
        text = prefix + answer
        is_there = answer.startswith(self.head) and len(text) >= place.start
        name = _NAME.match(text, place.start) if is_there else None
        return MonitorAct(
            kind=place.kind,
            char=place.start - len(prefix),
            outcome=self.told,
            name="" if name is None else name[0],
            wanted=self.wanted,
            source=None if names is None else names.source,
            num_allowed=0 if names is None else len(names.names),
            some=() if names is None else names.some(self.began.encode("utf-8", "surrogatepass")),
            strength=None if names is None else names.strength,
            wanted_probability=self.wanted_probability,
        )


@dataclass(frozen=True, slots=True)
class Writing:
    """A token that writes at a place, which lies `lead` after the answer's end.

    `beginning` is what stands of the name already, `data` what the token writes there; `text` ends at both.
    """

    place: NamePosition
    text: str
    lead: bytes
    beginning: bytes
    data: bytes
    token: int


@dataclass(frozen=True, slots=True)
class Finding:
    """What there is to say of a token at a place."""

    visit: Visit
    outcome: ActOutcome
    mask: Mask | None = None
