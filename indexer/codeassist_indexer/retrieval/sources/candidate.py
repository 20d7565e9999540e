"""A hit is what a source says it found; a candidate is a hit that was read, with what is known of it without a model.

Values only. What of it is chosen, and in which order, is a ranker's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from codeassist.request import Snippet

Source = Literal[
    "imported", "library", "named", "mentioned", "bm25", "learned", "tests", "callers", "same_base", "folder", "recent"
]
SOURCES: tuple[Source, ...] = get_args(Source)
"""What finds candidates, in order of worth: so they are asked, and so they take turns."""

Form = Literal["skeleton", "lines"]


@dataclass(frozen=True, slots=True)
class Hit:
    """What a source found, by its number in the index, not read yet; `reason` is for people.

    form: "lines" for a chunk, "skeleton" for a definition. Together with `number` it says which place it is.
    distance: as `Facts.name_distance`; of a chunk it is found out when it is read.
    """

    form: Form
    number: int
    score: float
    reason: str
    distance: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """That a source found a candidate: at which `rank` (from 0), with which `score` (more is better).

    Scores compare within a source only. `imported`, `library`, `named`: 1 / (2 + distance), in (0, 1], for `named`
    divided by how many definitions the name has. `mentioned`: 1 / (1 + rank of what speaks of it), in (0, 1]. `bm25`:
    BM25, above 0, without bound. `learned`: a cosine, in (0, 1]. `tests`, `callers`, `same_base`, `folder`: the summed
    rarity (inverse document frequency) of the request's words in the chunk, 0 for none, without bound. `recent`:
    1 / (1 + how many places are newer), in (0, 1].
    """

    source: Source
    rank: int
    score: float


@dataclass(frozen=True, slots=True)
class Facts:
    """How a candidate stands to the request. Files, folders and paths are those of the repository.

    name_distance: non-blank lines from the cursor's to the nearest that names what the candidate defines, 0 to 15, -1
        for the type of what stands before the dot at the cursor, 0 for what can stand after the dot of a module, 5
        at most for a supertype of the type around the cursor; None: not named near the cursor.
    is_imported: the request's file imports the candidate's file.
    is_same_language: both files are in one language.
    folder_distance: steps from the request's folder up and down to the candidate's, 0 in the same folder.
    is_same_stem: both base names are the same but for extensions and test affixes (`a.h` and `a.c`, `a.py` and
        `test_a.py`).
    is_test_file: the candidate's file is a test by its name or folder.
    is_test_of: the candidate's file is the test of the request's, by their names.
    is_tested_by: the request's file is the test of the candidate's, by their names.
    recency: how many places were edited or opened later than the newest that the candidate holds, from 0; None: none.
    """

    name_distance: int | None
    is_imported: bool
    is_same_language: bool
    folder_distance: int
    is_same_stem: bool
    is_test_file: bool
    is_test_of: bool
    is_tested_by: bool
    recency: int | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A snippet as it would stand in a prompt, every source that found it (the best rank first), and the facts.

    form: "skeleton" is a definition's head, documentation and members' signatures, so that the text is not the lines
        `snippet.start_line` to `snippet.end_line` but tells of them; "lines" are whole lines of the file.
    name: the definition's name; of lines the qualified name of what most of them belong to, "" for none.
    num_shared_terms: how many of the words that the request was searched by stand in it, 0 to 40.
    """

    snippet: Snippet
    form: Form
    name: str
    found: tuple[Found, ...]
    facts: Facts
    num_shared_terms: int

    def by(self, source: Source) -> Found | None:
        """Return how `source` found it, None if it did not."""
        return next((found for found in self.found if found.source == source), None)


@dataclass(frozen=True, slots=True)
class Candidates:
    """What was found for one request, the likeliest first, none twice; what each stage took; which sources were late.

    A late source was stopped at its share of the deadline: what it had found by then is there. A source that failed
    counts as late.
    """

    candidates: tuple[Candidate, ...] = ()
    stage_ms: dict[str, float] = field(default_factory=dict[str, float])
    late_sources: tuple[str, ...] = ()
