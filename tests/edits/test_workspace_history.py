"""One history of all documents: whole lines, in the order of time, as a person would say it, without secrets."""

from __future__ import annotations

import random

from codeassist.document import Document, TextEdit
from codeassist.edits.change import LineChange
from codeassist.edits.history import MASS_CHANGE_LINES, MOST_AGE_S, MOST_ENTRIES, EditHistory
from codeassist.edits.lines import with_changes
from codeassist.edits.workspace_history import workspace_history
from codeassist_indexer.secrets.redaction import redact

SEED = 20261130


class Typist:
    """Documents whose edits are recorded as they come."""

    def __init__(self, **texts: str) -> None:
        self.documents = {f"{name}.py": Document(f"{name}.py", text) for name, text in texts.items()}
        self.histories = {path: EditHistory() for path in self.documents}
        self.now_s = 0.0

    def replace(self, name: str, old: str, new: str, after_s: float = 2.0, is_accepted: bool = False) -> None:
        start = self.documents[f"{name}.py"].text.index(old)
        self.edit(f"{name}.py", TextEdit(start, start + len(old), new), after_s, is_accepted)

    def edit(self, path: str, edit: TextEdit, after_s: float, is_accepted: bool = False) -> None:
        self.now_s += after_s
        self.histories[path].record(self.documents[path], [edit], self.now_s, is_accepted)
        self.documents[path], _ = self.documents[path].apply(edit)

    def history(self) -> tuple[LineChange, ...]:
        return workspace_history(self.histories.items(), self.now_s, lambda path, text: redact(text, path).text)


def test_changes_are_of_whole_lines_and_in_the_order_of_time() -> None:
    one = Typist(a="def area(w):\r\n    return w\r\n", b="area(1)\narea(2)\n")
    one.replace("a", "(w", "(w, h")
    one.replace("b", "area(1", "area(1, 2")
    one.replace("a", "return w", "return w * h")
    one.replace("b", "area(2)\n", "")
    assert one.history() == (
        LineChange("a.py", 0, ("def area(w):",), ("def area(w, h):",)),
        LineChange("b.py", 0, ("area(1)",), ("area(1, 2)",)),
        LineChange("a.py", 1, ("    return w",), ("    return w * h",)),
        LineChange("b.py", 1, ("area(2)",), ()),
    )


def test_pauses_within_a_line_make_no_second_change() -> None:
    one = Typist(a="total = price\n\n\n\nother = 1\n")
    one.replace("a", "price", "price *", after_s=5)
    one.replace("a", "price *", "price * number", after_s=5)
    assert one.history() == (LineChange("a.py", 0, ("total = price",), ("total = price * number",)),)
    one.replace("a", " * number", "", after_s=5)
    assert one.history() == ()  # as it was
    one.replace("a", "other", "another")
    one.replace("a", "total", "sum", is_accepted=True)
    one.replace("a", "sum", "sums")
    assert [(each.new, each.is_accepted) for each in one.history()] == [
        (("another = 1",), False), (("sum = price",), True), (("sums = price",), False),
    ]  # fmt: skip


def test_what_is_old_too_much_or_secret_is_left_out() -> None:
    one = Typist(a="x = 1\n" * 200, b="api_key = ''\n")
    one.replace("a", "x = 1\n", "early = 1\n")
    one.now_s += MOST_AGE_S
    one.replace("a", "early = 1\n" + "x = 1\n" * MASS_CHANGE_LINES, "formatted\n")
    token = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" * 2
    one.replace("b", "''", f"'{token[:40]}'")
    found = one.history()
    assert len(found) == 1 and "ghp_a1" not in str(found) and found[0].new[0].startswith("api_key = '")
    for number in range(2 * MOST_ENTRIES):
        one.edit("a.py", TextEdit(number % 2 * 300, number % 2 * 300, str(number)), 2.0)
    assert len(one.history()) == MOST_ENTRIES


def test_a_line_of_data_is_no_edit() -> None:
    one = Typist(a="x" * 500_000)
    one.edit("a.py", TextEdit(250_000, 250_000, "y"), 1.0)
    assert one.history() == ()


def test_random_edits_can_be_made_again_from_the_history() -> None:
    rng = random.Random(SEED)
    for _ in range(60):
        texts = {name: "".join(f"{name} {number}\n" for number in range(12)) for name in "ab"}
        one = Typist(**texts)
        for _ in range(rng.randrange(1, 12)):
            path = rng.choice(("a.py", "b.py"))
            text = one.documents[path].text
            start = rng.randrange(len(text))
            end = min(len(text), start + rng.choice((0, 0, 1, 6, 9)))
            new = rng.choice(("x", "y\n", "\n", "z z", "", "p\nq\n"))
            one.edit(path, TextEdit(start, end, new), rng.choice((0.2, 2.0, 30.0)), rng.random() < 0.2)
        made = {f"{name}.py": text for name, text in texts.items()}
        for change in one.history():
            made[change.path] = with_changes(made[change.path], [change])
        assert {path: text.removesuffix("\n") for path, text in made.items()} == {
            path: document.text.removesuffix("\n") for path, document in one.documents.items()
        }, f"seed {SEED}"
