# ruff: noqa: E501  (texts of made files)
"""The rules without a model: what a past edit replaced is replaced again, in several languages, and nothing else."""

from __future__ import annotations

import pytest

from codeassist.edits.change import LineChange
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.proposals.line_rule import LineRule
from codeassist.edits.proposals.replacement import applied, fits, replacements_of
from codeassist.edits.proposals.token_rule import TokenRule
from codeassist.edits.site import Site


def by_rule(rule: TokenRule | LineRule, old: str, new: str, line: str) -> str | None:
    """What a rule makes of one line once another one was changed; None where it proposes nothing."""
    change = LineChange("a", 0, (old,) if old else (), (new,) if new else ())
    text = "\n".join([*([new] if new else []), "", "", line, ""])
    at = text.split("\n").index(line, 1)
    found = rule.propose(
        EditRequest("a", 0, (change,), {"a": text}), Site("a", at, at + 1, 1, "shape", ""), lambda: False
    )
    return "\n".join(found[0].change.new) if found else None


@pytest.mark.parametrize(
    ("old", "new", "line", "wanted"),
    [
        ("x = old_name(1)", "x = new_name(1)", "    return old_name(2)", "    return new_name(2)"),
        ("int count = 0;", "long count = 0;", "\tint count = 7;", "\tlong count = 7;"),
        ("run(a, b)", "run(a, b, True)", "  run(a, b)", "  run(a, b, True)"),
        ("send(to, body, retries)", "send(to, body)", "send(to, body, retries)  # again", "send(to, body)  # again"),
        ("except BaseException as e:", "except Exception as e:", "    except BaseException as e:", "    except Exception as e:"),
        ("a.b().c()", "a.c()", "z = a.b().c()", "z = a.c()"),
        ("f(user.id)", "f(user.key)", "g(user.id, user.id)", "g(user.key, user.key)"),
        ("let v: Vec<u8> = x;", "let v: Vec<u16> = x;", "fn f() -> Vec<u8> {", "fn f() -> Vec<u16> {"),
        ("if x:", "if x is not None:", "    if x:", "    if x is not None:"),
        ("print('é', old)", "print('é', new)", "print('漢字🎉', old)", "print('漢字🎉', new)"),
    ],
)  # fmt: skip
def test_the_same_replacement_is_made_again(old: str, new: str, line: str, wanted: str) -> None:
    assert by_rule(TokenRule(), old, new, line) == wanted


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("x = old_name", "x = new_name", "x = older_name"),
        ("run(a, b)", "run(a, b, True)", "run(a, b, True)"),
        ("value = a", "value = a or b", "value = a or b"),
        ("go(a)", "go(b)", "stop(c)"),
        ("def put(key, value):", "def put(key, value, seconds):", "def get(name):"),
        ("", "import os", "import sys"),
        ("import os", "", "import sys"),
        ("call([", "call(", "call([1, 2])"),
        ("a", "b", "x" * 5000 + " a"),
    ],
)
def test_nothing_is_made_where_it_does_not_fit(old: str, new: str, line: str) -> None:
    assert by_rule(TokenRule(), old, new, line) is None


def test_a_rename_needs_no_neighbours_and_other_replacements_do() -> None:
    (rename,) = replacements_of(LineChange("a", 0, ("x = load(path)",), ("x = read(path)",)))
    assert rename.is_rename and [applied(rename, "load", fit) for fit in fits(rename, "load")] == ["read"]
    (argument,) = replacements_of(LineChange("a", 0, ("load(path)",), ("load(path, mode)",)))
    assert not argument.is_rename and not [*fits(argument, "save()")]


@pytest.mark.parametrize(
    ("old", "new", "line", "wanted"),
    [
        ("await conn.close()", "", "    await conn.close()", ""),
        ("log.warn('slow')", "log.warning('slow')", "\t\tlog.warn('slow')", "\t\tlog.warning('slow')"),
    ],
)
def test_whole_lines_are_changed_again_with_the_indentation_of_their_place(
    old: str, new: str, line: str, wanted: str
) -> None:
    assert by_rule(LineRule(), old, new, line) == wanted


def test_lines_are_put_in_where_the_same_line_stands_above() -> None:
    files = {
        "t.py": "def one():\n    conn = open()\n    conn.close()\n\ndef two():\n    if x:\n        conn = open()\n    end()\n"
    }
    change = LineChange("t.py", 2, (), ("    conn.close()",))
    site = Site("t.py", 6, 7, 1, "group", "")
    request = EditRequest("t.py", 2, (change,), files)
    (found,) = LineRule().propose(request, site, lambda: False)
    assert found.change == LineChange("t.py", 7, (), ("        conn.close()",))
    done = {"t.py": files["t.py"].replace("        conn = open()\n", "        conn = open()\n        conn.close()\n")}
    assert not LineRule().propose(EditRequest("t.py", 2, (change,), done), site, lambda: False)


def test_texts_and_sites_that_do_not_fit_bring_nothing() -> None:
    change = LineChange("a", 0, ("old",), ("new",))
    for text in ("", "\n", "old"):
        for site in (Site("a", 90, 95, 1, "near", ""), Site("gone", 0, 1, 1, "near", "")):
            request = EditRequest("a", 0, (change,), {"a": text})
            assert not TokenRule().propose(request, site, lambda: False)
            assert not LineRule().propose(request, site, lambda: False)
