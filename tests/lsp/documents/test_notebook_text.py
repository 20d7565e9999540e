"""A notebook as one text around a cell: order, imports, words, other languages, and magics that stay harmless."""

from __future__ import annotations

import ast

import pytest

from codeassist_lsp.documents.notebook_text import CellText, in_notebook, without_magics
from codeassist_lsp.documents.open_document import CursorContext


def code(text: str, language: str | None = "python") -> CellText:
    return CellText(text, True, language)


def words(text: str) -> CellText:
    return CellText(text, False, "markdown")


def around(cells: list[CellText], number: int, cursor: int) -> CursorContext:
    text = cells[number].text
    return in_notebook(CursorContext(text[:cursor], text[cursor:], cursor, cursor), cells, number)


def test_cells_stand_around_the_cursor_in_their_order() -> None:
    cells = [
        code("import os\nx = 1\n"),
        words("# Totals\n\nOf all."),
        code("y = x"),
        code("z = y\n\n"),
        code("print(z)"),
    ]
    found = around(cells, 2, 4)
    assert found.prefix == "import os\nx = 1\n\n# # Totals\n#\n# Of all.\n\ny = "
    assert found.suffix == "x\n\nz = y\n\nprint(z)\n"
    assert (found.start_char, found.end_char, found.has_names) == (4, 4, True)
    last = around(cells, 4, 8)
    assert last.prefix.endswith("\n\ny = x\n\nz = y\n\nprint(z)") and last.suffix == ""


def test_what_later_cells_import_is_said_first() -> None:
    later = "if x:\n    import not_this\nfrom a import (\n    b,\n    c,\n)\nimport os\nd = b"
    found = around([code("x = 1"), code("y = "), code(later), code("import os, sys")], 1, 4)
    assert found.prefix == "from a import (\n    b,\n    c,\n)\nimport os\nimport os, sys\n\nx = 1\n\ny = "
    assert found.suffix == f"\n\n{later}\n\nimport os, sys\n"


def test_in_a_long_notebook_imports_stand_near_the_cursor_too() -> None:
    cells = [code("import far_away\n"), *(code(f"x{n} = {n}\n" * 300) for n in range(5)), code("y = ")]
    found = around(cells, 6, 4)
    assert found.prefix.startswith("import far_away\n\nx0 = 0\n") and found.prefix.endswith("x4 = 4\n\ny = ")
    assert "import far_away" in found.prefix[-4_000:]
    assert found.prefix.count("import far_away") == 2
    assert all(found.prefix.count(f"x{n} = ") == 300 for n in range(5)), "analysis sees every cell"


def test_code_of_another_language_is_left_out() -> None:
    cells = [code("select 1", "sql"), code("library(x)", "r"), code("raw", None), code("a <- 1", "r"), words("w")]
    assert around(cells, 3, 6).prefix == "library(x)\n\na <- 1"
    assert around(cells, 3, 6).suffix == "\n\n# w\n"
    assert around(cells, 0, 8).suffix == "\n\n-- w\n"


def test_among_words_code_is_fenced() -> None:
    found = around([words("# A"), code("x = 1"), words("It is "), words("B")], 2, 6)
    assert found.prefix == "# A\n\n```python\nx = 1\n```\n\nIt is " and found.suffix == "\n\nB\n"


@pytest.mark.parametrize(
    ("line", "becomes"),
    [
        ("%matplotlib inline", "# %matplotlib inline"),
        ("  %timeit f('x", "#   %timeit f('x"),
        ("!ls \"it's", "# !ls \"it's"),
        ("!!ls", "# !!ls"),
        ("np.array?", "# np.array?"),
        ("?np.array", "# ?np.array"),
        ("np.array??", "# np.array??"),
        ("files = !ls 'a", 'files = get_ipython().getoutput("ls \'a")'),
        ("a.b = %env HOME", "a.b = get_ipython().run_line_magic('env HOME')"),
        ("x = 3 % 2", "x = 3 % 2"),
        ("x != 3", "x != 3"),
        ("if x: y = 1", "if x: y = 1"),
    ],
)
def test_magics_are_harmless(line: str, becomes: str) -> None:
    assert without_magics(f"a = 1\n{line}\nb = 2\n") == f"a = 1\n{becomes}\nb = 2\n"
    head = "for x in y:\n" if line.startswith(" ") else ""
    ast.parse(f"{head}{'  pass' if head else ''}\n{becomes.lstrip() if head else becomes}\n")
    quoted = f'text = """\n{line}\n"""\n'
    assert without_magics(quoted) == quoted, "a text may hold anything"
    bracketed = "x = (100\n%b)\n"
    assert without_magics(bracketed) == bracketed


def test_the_cells_own_magics_are_harmless_and_its_line_is_what_it_is() -> None:
    cells = [code("%cd ~/don't\nimport os"), code('%%time\n!pip install x\nos.\n!echo "\nz = 1\n')]
    own = cells[1].text
    found = around(cells, 1, own.index("os.") + 3)
    assert found.prefix == "# %cd ~/don't\nimport os\n\n# %%time\n# !pip install x\nos."
    assert found.suffix == '\n# !echo "\nz = 1\n' and found.has_names
    magic = around(cells, 1, own.index("install"))
    assert magic.prefix.endswith("# %%time\n!pip ") and magic.suffix.startswith("install x\nos.\n")
    assert not magic.has_names


@pytest.mark.parametrize(("magic", "language"), [("bash", "bash"), ("js", "javascript"), ("html", "html"), ("x", None)])
def test_a_cell_for_another_program_is_alone_and_in_its_language(magic: str, language: str | None) -> None:
    cells = [code("x = 1"), code(f"%%{magic}\necho it's\n"), code("y = 1")]
    found = around(cells, 1, 12)
    assert (found.prefix + found.suffix, found.language, found.has_names) == (cells[1].text, language, False)
    assert around(cells, 2, 5).prefix == f"x = 1\n\n# %%{magic}\n# echo it's\n\ny = 1"


def test_line_ends_and_broken_characters_of_other_cells() -> None:
    found = around([code("x = '\ud800'\r\ny = 1\r\n"), code("z")], 1, 1)
    assert found.prefix == "x = '\ufffd'\ny = 1\n\nz"
