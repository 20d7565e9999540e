"""The imaginary editor: what stands behind the cursor once a line has been typed to some column."""

from __future__ import annotations

import pytest

from codeassist_eval.fitting.auto_closing import Editor, typed_columns
from codeassist_eval.fitting.source_file import SourceFile, language_by_name


def closers(path: str, line: str, editor: Editor) -> str:
    before, _, rest = line.partition("│")
    language = language_by_name(path)
    assert language is not None
    file = SourceFile(path, language, before + rest + "\n")
    return next(each.closers for each in typed_columns(file, 0, before + rest, editor) if each.col == len(before))


@pytest.mark.parametrize(
    ("path", "line", "vscode", "nvim"),
    [
        ("a.py", "print(│x)", ")", ")"),
        ("a.py", 'd["│key"]', '"]', '"]'),
        ("a.py", 'd["key"│]', "]", "]"),
        ("a.py", 'd[f"│{x}"]', '"]', '"]'),
        ("a.py", "isn't (│x)", ")", ")"),
        ("a.py", '"""│Say."""', "", '"""'),
        ("a.js", "f(`${│a}`)", "}`)", "}`)"),
        ("a.js", "/** │Says. */", " */", ""),
        ("a.py", 'f("g(│x)")', '")', ')")'),
        ("a.php", "if (│$x) {", ")", ")"),
        ("a.rs", "fn f<'│a>() {", "", ""),
        ("a.html", "<b>│x</b>", "</b>", "</b>"),
        ("a.sh", 'if [[ -n "│$x" ]]; then', '"]]', '"]]'),
    ],
)
def test_what_is_open_on_the_line_is_closed_behind_the_cursor(path: str, line: str, vscode: str, nvim: str) -> None:
    assert closers(path, line, "vscode") == vscode
    assert closers(path, line, "nvim") == nvim
