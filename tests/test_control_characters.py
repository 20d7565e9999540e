"""Control characters spelt out, and suggestions that would bring one."""

from __future__ import annotations

import json
import logging
import random
import unicodedata
from pathlib import Path

import pytest

from codeassist.control_characters import brings_control_characters, escaped, json_escaped
from codeassist_lsp.usage.logs import set_up_logging

SEED = 20261130
CLIPBOARD = "\x1b]52;c;cm0gLXJmIH4=\x07"
BIDI = "\u202e⁦# check⁩ ⁦"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (CLIPBOARD, "\\x1b]52;c;cm0gLXJmIH4=\\x07"),
        ("a\u202eb\u200bc\u2066", "a\\u202eb\\u200bc\\u2066"),
        ("\x00\x7f\x9b1m", "\\x00\\x7f\\x9b1m"),
        ("\U000e0041\ud800", "\\U000e0041\\ud800"),
        ("100 %\rfine", "100 %\\rfine"),
        ("\tdéf 漢😀(x):\r\n", "\tdéf 漢😀(x):\r\n"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert escaped(text) == shown


def test_nothing_that_a_terminal_obeys_is_left() -> None:
    every = "".join(map(chr, range(0x110000)))
    left = [char for char in escaped(every) if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    allowed = {"\t", "\n"}
    harmless = {char for char in left if unicodedata.category(char) == "Cf"}  # Arabic, shorthand and musical signs
    assert set(left) - harmless == allowed
    assert not {unicodedata.bidirectional(char) for char in harmless} & {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI",
                                                                       "RLI", "FSI", "PDI"}  # fmt: skip


def test_a_json_document_stays_the_same() -> None:
    rng = random.Random(SEED)
    for _ in range(200):
        codes = (rng.choice((rng.randrange(0x20), rng.randrange(0xD800), 0x202E, 0xE0041)) for _ in range(40))
        text = "".join(map(chr, codes))
        document = json_escaped(json.dumps({text: [text]}, ensure_ascii=False, indent=1))
        assert json.loads(document) == {text: [text]}, f"seed {SEED}"
        assert escaped(document) == document, f"seed {SEED}"


def test_what_a_suggestion_may_bring() -> None:
    assert brings_control_characters("x" + BIDI, "before", "after")
    assert brings_control_characters("'\x1b[0m'", "x = ", "")
    assert not brings_control_characters("'\x1b[0m'", "red = '\x1b[31m'\nx = ", "")
    assert not brings_control_characters("\tif x:\r\n", "", "")


def test_a_log_line_obeys_nothing(tmp_path: Path) -> None:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        set_up_logging(tmp_path, path=tmp_path / "log")
        logging.getLogger("test").warning("no context for %s", f"a{CLIPBOARD}.py")
        assert "\\x1b]52" in (tmp_path / "log").read_text() and "\x1b" not in (tmp_path / "log").read_text()
    finally:
        for handler in [handler for handler in root.handlers if handler not in before]:
            root.removeHandler(handler)
            handler.close()
        root.setLevel(level)
