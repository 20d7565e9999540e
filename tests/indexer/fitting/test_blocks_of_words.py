"""Blocks that a word ends: what opens one, and what closes it far below."""

from __future__ import annotations

import pytest

from codeassist_indexer.fitting.completion_extent import lines_wanted
from codeassist_indexer.fitting.nearby_text import near_behind


@pytest.mark.parametrize(
    ("path", "above", "wanted"),
    [
        ("a.rb", "def total(rate)", "block"),
        ("a.rb", "  private def self.total", "block"),
        ("a.rb", "def name=(value)", "block"),
        ("a.rb", "def total(rate) = rate * 2", "line"),
        ("a.rb", "def total; 1; end", "line"),
        ("a.rb", "class A < B", "block"),
        ("a.rb", "items.each do |item|", "block"),
        ("a.rb", "x = if y", "block"),
        ("a.rb", "return 1 if done", "line"),
        ("a.rb", "# def total", "block"),  # below a comment, where code begins
        ("a.lua", "local function f(a, b)", "block"),
        ("a.lua", "for i = 1, 2 do", "block"),
        ("a.lua", "local t = {", "block"),
        ("a.lua", "if x then return 1 end", "line"),
        ("a.sh", "if [[ -n $x ]]; then", "block"),
        ("a.sh", "total() {", "block"),
        ("a.sh", "for x in *; do", "block"),
        ("a.sh", "case $1 in", "block"),
        ("a.sh", 'echo "${#names[@]}"', "line"),
        ("a.yaml", "services:", "block"),
        ("a.yaml", "  - name: shop", "line"),
        ("a.css", "a:hover {", "block"),
        ("a.php", "if ($a) {", "block"),
        ("a.kt", "fun main() {", "block"),
        ("a.swift", "func f() -> Int {", "block"),
        ("a.scala", "object A {", "block"),
    ],
)
def test_what_opens_a_block(path: str, above: str, wanted: str) -> None:
    assert lines_wanted(f"{above}\n", "", path) == wanted


@pytest.mark.parametrize(
    ("language", "opened", "closers"),
    [
        ("ruby", ("class A\n", "  def f\n", "    if x\n"), ["    end", "  end", "end"]),
        ("lua", ("do\n", "  repeat\n", "    if x then\n"), ["    end", "  until", "end"]),
        ("bash", ("if x; then\n", "  for y in z; do\n", "    f() {\n"), ["    }", "  done", "fi"]),
    ],
)
def test_words_that_close_blocks_far_below_are_kept(language: str, opened: tuple[str, ...], closers: list[str]) -> None:
    filler = "".join(f"      call_{number}\n" for number in range(60))
    behind = "\n" + filler + "\n".join(closers) + "\n"
    near = near_behind(behind, 200, language)
    assert len(near) < 400
    assert near.rstrip().split("\n")[-len(opened) :] == closers
