"""The page that explains a suggestion: what comes of a repository is text in it, and reads as it was written."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from codeassist_lsp.handlers.explain import _cell

PLAIN = "defines total_litres, imported in line 1 (expected gain +1.5); shares x-y, 3! {a: 1}"


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        "[a link](https://example.org) ![picture](x.png) <b>bold</b> <https://example.org>",
        "*a* **b** _c_ __d__ __init__ a_b _a_b_ ~~e~~ `f` \\* \\_ &lt; &amp; # g | h",
        "two\nlines\r\nand | a cell",
    ],
)
def test_text_stays_text(text: str) -> None:
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    tokens = parser.parse(f"| head | more |\n| --- | --- |\n| {_cell(text)} | end |\n")
    cells = [token for token in tokens if token.type == "inline"]
    inside = cells[2].children or []
    assert {each.type for each in inside} == {"text"}
    assert "".join(each.content for each in inside) == " ".join(text.split())
    assert len(cells) == 4 and cells[3].content == "end"


def test_what_means_nothing_is_not_escaped() -> None:
    assert _cell(PLAIN) == PLAIN
