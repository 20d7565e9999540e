# ruff: noqa: E501  (texts of made files)
"""Calls that lack a new argument: the value that is certain, and nothing where one would have to be invented."""

from __future__ import annotations

import pytest

from codeassist.edits.change import LineChange
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.proposals.token_rule import TokenRule
from codeassist.edits.site import Site
from codeassist_indexer.edit_sites.argument_rule import ArgumentRule, BoundTokenRule
from codeassist_indexer.edit_sites.definitions import DefinitionReader

DEFINITIONS = DefinitionReader()
RULE, TOKENS = ArgumentRule(DEFINITIONS), BoundTokenRule(TokenRule(), DEFINITIONS)


def proposed(path: str, old: str, new: str, rest: str, call: str) -> list[tuple[str, ...]]:
    """What the rules make of the line `call` in `rest` after the file's first line became another one."""
    lines = [new, *rest.split("\n")]
    at = lines.index(call)
    request = EditRequest(path, 0, (LineChange(path, 0, (old,), (new,)),), {path: "\n".join(lines) + "\n"})
    site = Site(path, at, at + 1, 0.95, "use", "calls it")
    return [each.change.new for rule in (RULE, TOKENS) for each in rule.propose(request, site, lambda: False)]


PYTHON = "def area(width, height):", "def area(width, height, scale):"
JAVA = "int area(int width, int height) {", "int area(int width, double scale, int height) {"
GO = "func area(width int, height int) int {", "func area(ctx context.Context, width int, height int) int {"
TYPED = "function area(w: number, h: number) {", "function area(w: number, h: number, scale: number) {"


@pytest.mark.parametrize(
    ("path", "edit", "rest", "call", "wanted"),
    [
        ("a.py", PYTHON, "    pass\n\ndef f(w, scale=1):\n    area(w, 2)", "    area(w, 2)", "    area(w, 2, scale)"),
        ("a.py", PYTHON, "    pass\n\nscale = 3\narea(1, 2)", "area(1, 2)", "area(1, 2, scale)"),
        ("a.py", PYTHON, "    pass\n\nfrom b import scale\narea(1, (2))", "area(1, (2))", "area(1, (2), scale)"),
        (
            "a.py", PYTHON, "    pass\n\ndef f(scale):\n    area(width=1, height=2)", "    area(width=1, height=2)",
            "    area(width=1, height=2, scale=scale)",
        ),
        (
            "a.py", (PYTHON[0], "def area(width, *, scale, height):"), "    pass\n\ndef f(scale, h):\n    area(1, height=h)",
            "    area(1, height=h)", "    area(1, height=h, scale=scale)",
        ),
        ("a.py", ("def area():", "def area(scale):"), "    pass\n\ndef f(scale):\n    area()", "    area()", "    area(scale)"),
        ("A.java", JAVA, "  return 1;\n}\nint f(int w, double scale) {\n  return area(w, 3);\n}", "  return area(w, 3);",
         "  return area(w, scale, 3);"),
        ("A.java", JAVA, "  return 1;\n}\nint f(int w) {\n  double scale = 3;\n  return area(w, 3);\n}",
         "  return area(w, 3);", "  return area(w, scale, 3);"),
        ("a.go", GO, "\treturn 1\n}\n\nfunc f(ctx context.Context) int {\n\treturn area(1, 2)\n}", "\treturn area(1, 2)",
         "\treturn area(ctx, 1, 2)"),
        ("a.ts", TYPED, "  return 1;\n}\nfunction f() {\n  const scale = 2;\n  return area(1, 2);\n}",
         "  return area(1, 2);", "  return area(1, 2, scale);"),
    ],
)  # fmt: skip
def test_a_name_that_is_bound_is_handed_over(
    path: str, edit: tuple[str, str], rest: str, call: str, wanted: str
) -> None:
    assert proposed(path, *edit, rest, call)[0] == (wanted,)


@pytest.mark.parametrize(
    ("path", "edit", "rest", "call"),
    [
        ("a.py", PYTHON, "    pass\n\ndef f(width, height):\n    area(width, height)", "    area(width, height)"),
        ("a.py", PYTHON, "    pass\n\ndef f(width):\n    area(width=1, height=2)", "    area(width=1, height=2)"),
        ("a.py", PYTHON, "    scale = 1\n\ndef f(width, height):\n    area(width, height)", "    area(width, height)"),
        ("a.py", PYTHON, "    pass\n\ndef f(width, height):\n    area(width, height)\n    scale = 1", "    area(width, height)"),
        ("a.py", PYTHON, "    pass\n\ndef f(values):\n    area(*values)", "    area(*values)"),
        ("a.go", GO, "\treturn 1\n}\n\nfunc f() int {\n\treturn area(1, 2)\n}", "\treturn area(1, 2)"),
        ("a.ts", TYPED, "  return 1;\n}\nfunction f(w: number, h: number) {\n  return area(w, h);\n}", "  return area(w, h);"),
        ("a.py", (PYTHON[0], "def area(width, height, depth, scale, unit):"), "    pass\n\narea(1, 2)", "area(1, 2)"),
    ],
)  # fmt: skip
def test_where_a_value_would_have_to_be_invented_nothing_is_proposed(
    path: str, edit: tuple[str, str], rest: str, call: str
) -> None:
    assert proposed(path, *edit, rest, call) == []


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("3", "    send(user.address, 'Hello', 3)"),
        ("retries=3", "    send(user.address, 'Hello', retries=3)"),
        ("LIMIT", "    send(user.address, 'Hello', LIMIT)"),
        ("self.limit", "    send(user.address, 'Hello', self.limit)"),
        ("limit", None),  # bound where it stands, and not here
        ("count(user)", None),
    ],
)
def test_what_the_calls_that_were_changed_hand_over_is_handed_over_here_too(value: str, wanted: str | None) -> None:
    old, new = "def send(address, body):", "def send(address, body, retries):"
    done = f"    send(user.address, 'Bye', {value})"
    text = f"{new}\n    pass\n\nLIMIT = 5\ndef hello(self, user):\n    send(user.address, 'Hello')\ndef bye(user, limit):\n{done}\n"
    history = (
        LineChange("a.py", 0, (old,), (new,)),
        LineChange("a.py", 7, ("    send(user.address, 'Bye')",), (done,)),
    )
    site = Site("a.py", 5, 6, 0.95, "use", "calls it")
    found = RULE.propose(EditRequest("a.py", 7, history, {"a.py": text}), site, lambda: False)
    assert [each.change.new for each in found] == ([] if wanted is None else [(wanted,)])


def test_a_call_in_another_file_over_several_lines() -> None:
    old, new = PYTHON
    other = "from a import area\n\n\ndef f(scale):\n    return area(\n        1,\n        max(2, 3),\n    )\n"
    request = EditRequest(
        "a.py", 0, (LineChange("a.py", 0, (old,), (new,)),), {"a.py": f"{new}\n    pass\n", "b.py": other}
    )
    [found] = RULE.propose(request, Site("b.py", 4, 5, 0.95, "use", "calls it"), lambda: False)
    assert found.change == LineChange("b.py", 6, ("        max(2, 3),",), ("        max(2, 3), scale,",))
    elsewhere = Site("b.py", 4, 5, 0.95, "near", "beside it")
    assert not RULE.propose(request, elsewhere, lambda: False), "only of uses that were left behind"
