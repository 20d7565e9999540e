"""A tree of any size made of real repositories: copied again and again, each time with names of its own.

Whatever a repository defines for itself (what hardly any other defines) is called otherwise in each copy, in its paths
too, so that imports go on to lead to files and names to definitions. What many repositories define (`main`, `utils`)
and what comes from libraries stays, and becomes as common as it is in a large repository. New words are drawn from a
Lomax distribution, so that the vocabulary grows as Heaps' law has it.
"""

from __future__ import annotations

import random
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate
from pathlib import Path, PurePosixPath

from codeassist.errors import SettingsError
from codeassist_indexer.ingest.update import is_source
from codeassist_indexer.languages.registry import FOLDER_MODULES, language_of
from codeassist_indexer.storage.lexical import is_keyword

_DEFINED_NAME = re.compile(
    r"\b(?:class|const|def|enum|fn|func|fun|function|interface|let|object|package|record|struct|trait|type|val|var)\s+"
    r"([^\W\d]\w+)|^[ \t]*(?:public|private|protected|static|final)\b[^=;()\n]*?([^\W\d]\w+)[ \t]*[=;(]"
    r"|^[ \t]*(?:self\.)?([^\W\d]\w+)[ \t]*(?::[^=\n]+)?=(?!=)",
    re.MULTILINE,
)
_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
_COMMON_REPOSITORIES = 3  # a name that so many define is nobody's own
_LEAST_NAME_CHARS = 4
# Of the ranks of new words. With these, one word in three of a copy's is new at first, one in ten after 100 copies.
_LOMAX_SHAPE = 0.6
_LOMAX_SCALE = 3_000
_MOST_RANK = 10**9
_SYLLABLES = tuple(consonant + vowel for consonant in "bdfghjklmnprstvwxyz" for vowel in "aeiou")


class MadeTree:
    """The files of the repositories below a folder, each folder in it one, and those of their copies.

    The same seed and sources give the same files; those of a larger tree begin with those of a smaller one.
    """

    def __init__(self, sources: Path, seed: int) -> None:
        self._sources = sources
        self._seed = seed
        by_repository: dict[str, list[PurePosixPath]] = {}
        for path in sorted(sources.rglob("*")):
            relative = PurePosixPath(path.relative_to(sources).as_posix())
            if is_source(str(relative)) and path.is_file():
                by_repository.setdefault(relative.parts[0] if len(relative.parts) > 1 else "", []).append(relative)
        if not by_repository:
            raise SettingsError(f"no source files in {sources}; name a folder of repositories or archives")
        repositories = sorted(by_repository)
        random.Random(seed).shuffle(repositories)
        self._paths = [(repository, path) for repository in repositories for path in by_repository[repository]]
        sizes = [(sources / path).stat().st_size for _, path in self._paths]
        self._num_bytes = [0, *accumulate(sizes)]
        named = {repository: self._names(paths) for repository, paths in by_repository.items()}
        num_defining = Counter(name for names in named.values() for name in names)
        self._num_with_word = Counter(
            word
            for names in named.values()
            for word in {each.lower() for name in names for each in _WORD.findall(name)}
        )
        self._own = {
            repository: frozenset(name for name in names if num_defining[name] < _COMMON_REPOSITORIES)
            for repository, names in named.items()
        }
        self._new_names = lru_cache(1)(self._new_names_of)  # files of a repository follow each other

    def num_bytes(self, num_files: int) -> int:
        """Return about how many bytes that many files have: those of what they are copies of."""
        copies, rest = divmod(num_files, len(self._paths))
        return copies * self._num_bytes[-1] + self._num_bytes[rest]

    def num_files_with(self, num_bytes: int) -> int:
        """Return how many files have about that many bytes."""
        copies, rest = divmod(num_bytes, max(1, self._num_bytes[-1]))
        return copies * len(self._paths) + bisect_left(self._num_bytes, rest)

    def write(self, tree: Path, num_files: int, already: int = 0) -> Iterator[int]:
        """Write the files from number `already` to `num_files` into `tree`; yield how many there are after each."""
        for number in range(already, num_files):
            copy, place = divmod(number, len(self._paths))
            repository, path = self._paths[place]
            new_names = self._new_names(repository, copy)

            def renamed(match: re.Match[str], new_names: dict[str, str] = new_names) -> str:
                return new_names.get(match[0], match[0])

            below = "/".join(path.parts[1 if repository else 0 :])
            target = tree / f"part_{copy}" / repository / _IDENTIFIER.sub(renamed, below)
            target.parent.mkdir(parents=True, exist_ok=True)
            text = (self._sources / path).read_text(encoding="utf-8", errors="replace")
            target.write_text(_IDENTIFIER.sub(renamed, text), encoding="utf-8")
            yield number + 1

    def _names(self, paths: list[PurePosixPath]) -> set[str]:
        """Return the names that a repository's files define or are called by."""
        names: set[str] = set()
        for path in paths:
            language = language_of(str(path)) or ""
            text = (self._sources / path).read_text(encoding="utf-8", errors="replace")
            found = {name for groups in _DEFINED_NAME.findall(text) for name in groups if name}
            found |= {name for part in path.parts[1:] for name in _IDENTIFIER.findall(part.partition(".")[0])}
            names |= {name for name in found if not is_keyword(name, language)}
        return {
            name
            for name in names
            if len(name) >= _LEAST_NAME_CHARS and name not in FOLDER_MODULES and not name.startswith("__")
        }

    def _new_names_of(self, repository: str, copy: int) -> dict[str, str]:
        """Return what a copy calls each name of its repository's own: the name's rarest word is another."""
        if not copy:
            return {}
        new_words: dict[str, str] = {}
        new_names: dict[str, str] = {}
        for name in sorted(self._own[repository]):
            words = list(_WORD.finditer(name))
            if not words:
                continue
            rarest = min(words, key=lambda word: (self._num_with_word[word[0].lower()], -len(word[0])))
            old = rarest[0].lower()
            new = new_words.setdefault(old, self._drawn(repository, copy, old))
            spelled = new.upper() if rarest[0].isupper() else new.capitalize() if rarest[0][0].isupper() else new
            new_names[name] = name[: rarest.start()] + spelled + name[rarest.end() :]
        return new_names

    def _drawn(self, repository: str, copy: int, word: str) -> str:
        share = random.Random(f"{self._seed} {repository} {copy} {word}").random()
        rank = min(_MOST_RANK, int(_LOMAX_SCALE * ((1 - share) ** (-1 / _LOMAX_SHAPE) - 1))) + len(_SYLLABLES)
        spelled = ""
        while rank:
            rank, place = divmod(rank, len(_SYLLABLES))
            spelled += _SYLLABLES[place]
        return spelled
