"""What lines are held against the edits by: runs of tokens, groups, statements, definitions. Each in a made file."""

from __future__ import annotations

import numpy as np
import pytest

from codeassist.edits.change import LineChange
from codeassist.edits.edit_request import EditRequest
from codeassist_indexer.edit_sites.columns.statement import statement_kind
from codeassist_indexer.edit_sites.definitions import DefinitionReader
from codeassist_indexer.edit_sites.features import NAMES, value_of
from codeassist_indexer.edit_sites.read_request import ReadRequest, read_request


def read(files: dict[str, str], *history: LineChange) -> ReadRequest:
    last = history[-1]
    request = EditRequest(last.path, last.start_line, history, files)
    found = read_request(request, DefinitionReader(), lambda: False)
    assert found is not None and np.isfinite(found.lines.features).all()
    return found


def value(found: ReadRequest, text: str, name: str) -> float:
    """A column of the first line with a text, in any file."""
    row = next(number for number, line in enumerate(found.table.lines) if text in line)
    return value_of(found.lines.features[row], name)


def test_signs_and_numbers_that_were_edited_are_found_where_no_name_is() -> None:
    files = {"a.py": "x = f((3, 9))\ny = f((3, 8))\nz = f((2, 7))\n"}
    found = read(files, LineChange("a.py", 0, ("x = f((3, 8))",), ("x = f((3, 9))",)))
    assert value(found, "(3, 8)", "gone_triples_most") > 0
    assert value(found, "(2, 7)", "gone_triples_most") == 0
    assert value(found, "(2, 7)", "gone_most") == value(found, "(3, 8)", "gone_most") == 0


COLOURS = """\
from enum import Enum


class Colour(Enum):
    RED = 1
    GREEN = 2


def name(colour):
    if colour is Colour.RED:
        return "red"
    return "other"


def area(width):
    return width
"""


def test_the_rest_of_a_group_is_where_its_siblings_stand() -> None:
    found = read({"a.py": COLOURS}, LineChange("a.py", 5, (), ("    GREEN = 2",)))
    assert value(found, "if colour is Colour.RED", "sibling_most") > 0
    assert value(found, 'return "red"', "sibling_above") > 0
    assert value(found, "return width", "sibling_most") == 0
    assert value(found, 'return "other"', "definition_sibling_most") > value(
        found, "return width", "definition_sibling_most"
    )


def test_a_place_between_the_same_lines_as_an_edit_is_marked() -> None:
    body = "    await session.close()\n{}\ndef other():\n    await session.close()\n\ndef third():\n    pass\n"
    found = read(
        {"a.py": "def first():\n" + body.format("    await conn.close()\n")},
        LineChange("a.py", 2, (), ("    await conn.close()",)),
    )
    rows = [n for n, line in enumerate(found.table.lines) if "session.close" in line]
    assert value_of(found.lines.features[rows[1] + 1], "same_above") == 1
    assert value_of(found.lines.features[rows[1]], "same_above") == 0


def test_definitions_are_counted_from_the_edited_one() -> None:
    text = "".join(f"def f{n}(a):\n    b = a + {n}\n    return b\n\n" for n in range(4))
    found = read({"a.py": text}, LineChange("a.py", 5, ("    b = a",), ("    b = a + 1",)))
    assert [value(found, f"def f{n}", "definition_steps_below") for n in range(4)] == [-1, 0, 1, 2]
    assert value(found, "b = a + 2", "rows_as_last") == 0 and value(found, "def f2", "rows_as_last") > 0
    assert value(found, "b = a + 2", "definition_is_next") == 1 == value(found, "b = a + 1", "definition_was_edited")


def test_an_import_that_nothing_uses_yet_leaves_something_to_be_done() -> None:
    edit = LineChange("a.py", 0, (), ("from fractions import Fraction",))
    text = "from fractions import Fraction\n\nhalf = 1 / 2\n"
    assert value(read({"a.py": text}, edit), "half", "came_is_unused_import") == 1
    assert value(read({"a.py": text + "half = Fraction(1, 2)\nFraction.fractions\n"}, edit), "half", "came_unused") == 0


def test_tests_and_what_imports_the_edited_file_are_known() -> None:
    files = {"src/parser.py": "a = 1\n", "tests/test_parser.py": "from parser import a\n", "src/other.py": "b = 2\n"}
    found = read(files, LineChange("src/parser.py", 0, ("a = 0",), ("a = 1",)))
    assert value(found, "from parser", "is_test_now") == 1 == value(found, "from parser", "imports_edited_file")
    assert value(found, "b = 2", "is_test_now") == 0 == value(found, "b = 2", "imports_edited_file")


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("import os", "from os import path", True),
        ("    return x", "return y", True),
        ("a.b = 1", "c: int = 2", True),
        ("call(1)", "x.y(2)", True),
        ("if a == b:", "else:", True),
        ("call(a=1)", "a = 1", False),
        ("public void f() {", "return f();", False),
        ("", "x", False),
    ],
)
def test_lines_are_of_one_kind_or_another(one: str, other: str, is_same: bool) -> None:
    assert (statement_kind(one) == statement_kind(other)) == is_same


def test_each_column_has_a_name_of_its_own() -> None:
    assert len(set(NAMES)) == len(NAMES)
