"""Nothing stands twice in a prompt: skeletons beside the lines that they were made from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from codeassist.request import Snippet
from codeassist_indexer.retrieval.ranking.doubles import beside_lines
from codeassist_indexer.retrieval.ranking.selection import HEADER_CHARS, Judgement, Rules, select
from codeassist_indexer.retrieval.sources.candidate import Candidate, Facts

FACTS = Facts(None, False, True, 1, False, False, False, False, None)
SKELETON = '''class Curator:
    """Ranks documents by relevance."""
    def __init__(self, config: Config): ...
    self.config = config
    def rank(self, query: str) -> list[str]: ...
'''
LINES = '''class Curator:
    """
    Ranks documents by relevance.
    """
    def __init__(self, config: Config):
        self.config = config
'''
CLASS = Snippet("curator.py", SKELETON, 10, 60, "definition", 1.0, "")
CHUNK = Snippet("curator.py", LINES, 8, 16, "bm25", 1.0, "")
REST = "class Curator:\n    def rank(self, query: str) -> list[str]: ...\n"


def candidate(snippet: Snippet) -> Candidate:
    return Candidate(snippet, "skeleton" if snippet.source == "definition" else "lines", "", (), FACTS, 1)


def judged(*gains: float) -> Judgement:
    return Judgement(np.array(gains, dtype=np.float32), np.full((len(gains), 3), 1 / 3, dtype=np.float32))


def chosen(snippets: list[Snippet], *gains: float, max_chars: int = 4_000) -> list[Snippet]:
    return [each.snippet for each in select([*map(candidate, snippets)], judged(*gains), max_chars, Rules(0.3))]


@pytest.mark.parametrize("gains", [(2.0, 1.0), (1.0, 2.0)])
def test_a_class_loses_the_members_that_stand_beside_it_whichever_comes_first(gains: tuple[float, float]) -> None:
    found = chosen([CLASS, CHUNK], *gains)
    assert {each.source: each.text for each in found} == {"definition": REST, "bm25": LINES}
    assert [each.source for each in found] == (
        ["definition", "bm25"] if gains[0] > gains[1] else ["bm25", "definition"]
    )


@pytest.mark.parametrize("gains", [(2.0, 1.0), (1.0, 2.0)])
def test_a_definition_all_of_whose_lines_are_there_is_left_out(gains: tuple[float, float]) -> None:
    whole = replace(CHUNK, text=LINES + "    # and so on\n", start_line=10, end_line=60)
    function = Snippet("curator.py", "def f(a: int, b: int): ...\n", 20, 30, "definition", 1.0, "")
    assert chosen([CLASS, whole], *gains) == [whole]
    assert chosen([function, whole], *gains) == [whole], "its signature is spelled otherwise, its lines are there"


def test_other_files_packages_and_places_are_none_of_it() -> None:
    for other in (
        replace(CHUNK, path="other.py"),
        replace(CHUNK, start_line=60, end_line=68),
        replace(CLASS, start_line=20, end_line=30),
    ):
        assert beside_lines(CLASS, [other]) == CLASS
    assert beside_lines(CHUNK, [CLASS, CHUNK]) == CHUNK, "lines stay as they are"


def test_what_is_left_out_gives_its_room_to_others() -> None:
    function = Snippet("curator.py", "def rank(self, query: str) -> list[str]: ...\n", 20, 22, "definition", 1.0, "")
    whole = Snippet(
        "curator.py", "    def rank(self, query: str) -> list[str]:\n        return []\n", 20, 22, "bm25", 1, ""
    )
    small = Snippet("small.py", "a_small_constant_of_another_file = 1\n", 1, 2, "bm25", 1.0, "")
    for max_chars in range(0, 400, 7):
        found = chosen([function, whole, small], 3.0, 2.9, 1.0, max_chars=max_chars)
        assert sum(len(each.text) + HEADER_CHARS for each in found) <= max_chars
        assert whole not in found or function not in found
    room = sum(len(each.text) + HEADER_CHARS for each in (whole, small))
    assert chosen([function, whole, small], 3.0, 2.9, 1.0, max_chars=room) == [function, small], "it no longer fits"
    more = len(function.text)
    assert chosen([function, whole, small], 3.0, 2.9, 1.0, max_chars=room + more) == [whole, small]


def test_what_was_left_of_a_skeleton_stands_in_the_prompt_as_the_skeleton() -> None:
    other = Snippet("b.py", "some_other_text_here = 1\n", 1, 2, "bm25", 1.0, "")
    candidates = [candidate(CLASS), candidate(CHUNK), candidate(other)]
    gains, room = judged(1.0, 3.0, 0.8), len(LINES) + len(REST) + 2 * HEADER_CHARS
    texts = [each.snippet.text for each in select(candidates, gains, room, Rules(0.3))]
    assert texts == [LINES, other.text]
    standing = [CHUNK, replace(CLASS, text=REST)]
    assert [each.snippet.text for each in select(candidates, gains, room, Rules(0.3), standing)] == [LINES, REST]


@pytest.mark.parametrize(
    ("skeleton", "lines", "left"),
    [
        (
            "// Keeps what was said.\nclass Log {\n    void add(String line);\n    int size();\n}\n",
            "class Log {\n    void add(String line) {\n        lines.add(line);\n    }\n",
            "// Keeps what was said.\nclass Log {\n    int size();\n}\n",
        ),
        ("enum Kind {\n    SMALL,\n    LARGE,\n}\n", "enum Kind {\n    SMALL,\n    LARGE\n", None),
        ("class A:\n    ...\n", "class B:\n    pass\n", "class A:\n    ...\n"),
        (
            "class A\n  def one(a)\n  def two\nend\n",
            "class A\n  def one(a)\n    a\n  end\n",
            "class A\n  def two\nend\n",
        ),
    ],
    ids=["java", "enum", "nothing in common", "ruby"],
)
def test_skeletons_of_all_forms(skeleton: str, lines: str, left: str | None) -> None:
    whole = Snippet("a", skeleton, 1, 40, "definition", 1.0, "")
    found = beside_lines(whole, [Snippet("a", lines, 1, 5, "bm25", 1.0, "")])
    assert (found.text if found is not None else None) == left
