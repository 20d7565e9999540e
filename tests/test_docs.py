"""Pages that people read in an editor: lines of at most 100 columns, and links and files that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(path for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob(".github/**/*.md")))
MOST_COLUMNS = 100
_FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
# Of these pages every `name.py` is a file of ours; in others it may be an example.
ABOUT_THE_CODE = {"architecture.md", "CONTRIBUTING.md", "monitors.md", "retrieval.md"}
_MODULE = re.compile(r"`([\w/]+\.py)`")
_LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
_FILE = re.compile(r"`((?:codeassist|indexer|lsp|eval|tests|tools|docs|editor-plugins)/[\w./-]*(?:\.\w+|/))`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_has_short_lines_and_names_what_exists(page: Path) -> None:
    """Tables and code may be wider."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    long = [line for line in text.splitlines() if len(line) > MOST_COLUMNS and not line.startswith("|")]
    assert not [line for line in long if " " in line.strip()], long
    linked = {target for target in _LINK.findall(text) if ":" not in target}
    assert not {target for target in linked if not (page.parent / target).exists()}
    if page.name in ABOUT_THE_CODE:
        sources = [f"/{path.relative_to(ROOT)}" for path in ROOT.rglob("*.py") if ".venv" not in path.parts]
        unknown = {name for name in _MODULE.findall(text) if not any(path.endswith(f"/{name}") for path in sources)}
        assert not unknown
    assert not {file for file in _FILE.findall(text) if not (ROOT / file).exists()}
