"""Places at which an analysis can be asked, each with the name that truly stands there.

From tasks: the places that a right answer goes through. From repositories: a draw of all there are.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from codeassist.request import CompletionRequest, NamePosition
from codeassist_eval.tasks.make import is_wanted, source_texts
from codeassist_eval.tasks.repositories import Repositories
from codeassist_eval.tasks.task import Language, Task
from codeassist_indexer.analysis.text.lexer import START, LexState, lex_end
from codeassist_indexer.analysis.text.name_positions import NamePositions
from codeassist_indexer.languages.registry import ANALYSED, language_of

_NAME = re.compile(r"[^\W\d][\w$]*")
_KEYWORD = re.compile(r"\s*=(?!=)")
_IN_BRACES = re.compile(r"[\w$\s,]*(?=\}\s*from\b)")
_CANDIDATE = re.compile(r"(?:\.|::|[(,]\s*|\b(?:import|new|case)\s+|\{\s*)(?=[^\W\d])")

_STATEMENTS = {kind: re.compile(rf"\b{word}\b") for kind, word in (("import", "(?:import|from)"), ("case", "case"))}
_STEP_CHARS = 4_000
_IMPORT_CHARS = 300  # of an import over several lines


@dataclass(frozen=True, slots=True)
class AskedPlace:
    """A place in a file of a repository. `after` is what follows: it begins with the true name."""

    folder: Path
    language: str
    request: CompletionRequest
    text: str
    place: NamePosition
    name: str
    is_keyword: bool

    @property
    def key(self) -> str:
        """What tells it from all others of a run."""
        return f"{self.folder.name}/{self.request.path}:{len(self.request.prefix)}+{self.place.start}"

    @property
    def line(self) -> str:
        """The line up to the place, and the name, for people."""
        return f"{self.text.rpartition(chr(10))[2].strip()}<{self.name}>"


def places_of_tasks(tasks: Iterable[Task], repositories: Repositories) -> Iterator[AskedPlace]:
    """The places in each task's truth, in order."""
    for task in tasks:
        language = language_of(task.path)
        if language not in ANALYSED:
            continue
        request = CompletionRequest(task.path, task.prefix, task.suffix)
        settled = lex_end(language, task.prefix).settled
        yield from _along(repositories.folder(task), language, request, task.groundtruth, settled)


def drawn_places(
    folder: Path, wanted: Language | None, limit: int, seed: int, kinds: Sequence[str] = ()
) -> Iterator[AskedPlace]:
    """Up to `limit` places of the repository in `folder`, of each of `kinds` where they are given, by files.

    The line after each is taken away, as in a task. Of names in the braces of an import every second place is drawn as
    it is when they are added to: only the names behind it are gone, what they are imported from stands.
    """
    drawn = _drawn(folder, wanted, limit, seed, kinds)
    return iter(sorted(drawn, key=lambda asked: (asked.request.path, asked.place.start)))


def _drawn(folder: Path, wanted: Language | None, limit: int, seed: int, kinds: Sequence[str]) -> Iterator[AskedPlace]:
    texts = {path: text for path, text in source_texts(folder).items() if is_wanted(path, wanted)}
    wanted_kinds = frozenset(kinds)
    candidates: list[tuple[str, int, frozenset[str]]] = []
    for path, text in texts.items():
        if language_of(path) in ANALYSED:
            found = ((match.end(), _possible_kinds(match)) for match in _CANDIDATE.finditer(text))
            candidates += [(path, end, possible) for end, possible in found if not kinds or possible & wanted_kinds]
    random.Random(seed).shuffle(candidates)
    given: Counter[str] = Counter()
    settled: dict[str, _Settled] = {}
    for path, char, possible in candidates:
        open_kinds = [kind for kind in kinds or ("",) if given[kind] < limit]
        if not open_kinds:
            return
        if kinds and possible.isdisjoint(open_kinds):
            continue
        text = texts[path]
        lexed = settled.get(path)
        if lexed is None:
            lexed = settled[path] = _Settled(language_of(path, text) or "", text)
        line_end = text.find("\n", char)
        line_end = len(text) if line_end < 0 else line_end
        request = CompletionRequest(path, text[:char], text[line_end:])
        places = NamePositions(lexed.language, lexed.before(char))
        asked = _asked(folder, lexed.language, request, places, text[:char], text[char:line_end])
        if asked is None or (kinds and asked.place.kind not in open_kinds):
            continue
        counted = asked.place.kind if kinds else ""
        given[counted] += 1
        yield _with_module(asked, text, char) if given[counted] % 2 else asked


@dataclass(slots=True)
class _Settled:
    """What is settled of one text, every some thousand characters, as far as it was asked for."""

    language: str
    text: str
    _states: list[LexState] = field(default_factory=lambda: [START])

    def before(self, char: int) -> LexState:
        """What is settled of the text some way before an offset: a place there need not read it from its beginning."""
        wanted = char // _STEP_CHARS
        while len(self._states) <= wanted:
            read = self.text[: len(self._states) * _STEP_CHARS]
            self._states.append(lex_end(self.language, read, self._states[-1]).settled)
        return self._states[wanted]


def _possible_kinds(candidate: re.Match[str]) -> frozenset[str]:
    """The kinds of a place that can be here, by what stands right before: saves reading the text."""
    mark = candidate[0].strip()
    match mark:
        case "new":
            return frozenset({"class"})
        case "case":
            return frozenset({"case"})
        case "." | "::":
            line_start = candidate.string.rfind("\n", 0, candidate.start()) + 1
            line = candidate.string[line_start : candidate.start()]
            return frozenset({"member", *(kind for kind in ("import", "case") if _STATEMENTS[kind].search(line))})
        case "(" | ",":
            before = candidate.string[max(0, candidate.start() - _IMPORT_CHARS) : candidate.start()]
            return frozenset({"keyword", *(["import"] if _STATEMENTS["import"].search(before) else [])})
        case _:
            return frozenset({"import"})


def _with_module(asked: AskedPlace, text: str, char: int) -> AskedPlace:
    """The same place of an import with what stands behind its braces; any other as it is."""
    closed = _IN_BRACES.match(text, char)
    if asked.place.kind != "import" or closed is None:
        return asked
    return replace(asked, request=replace(asked.request, suffix=text[closed.end() :]))


def _along(
    folder: Path, language: str, request: CompletionRequest, truth: str, settled: LexState
) -> Iterator[AskedPlace]:
    places = NamePositions(language, settled)
    for char in range(len(truth)):
        if char and truth[char - 1].isidentifier():
            continue
        asked = _asked(folder, language, request, places, request.prefix + truth[:char], truth[char:])
        if asked is not None:
            yield asked


def _asked(
    folder: Path, language: str, request: CompletionRequest, places: NamePositions, text: str, after: str
) -> AskedPlace | None:
    name = _NAME.match(after)
    if name is None or (text and (text[-1].isalnum() or text[-1] == "_")):
        return None
    place = places.at_end(text)
    if place is None or place.start != len(text):
        return None
    is_keyword = _KEYWORD.match(after, name.end()) is not None
    return AskedPlace(folder, language, request, text, place, name[0], is_keyword)
