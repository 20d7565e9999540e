"""What is asked about Python, and where jedi is to look for modules.

Values in, values out, but for folders that are looked for on the disk.
"""

from __future__ import annotations

import re
from pathlib import Path

from codeassist_indexer.analysis.text.lexer import lex_end
from codeassist_indexer.analysis.text.name_query import NameQuery
from codeassist_indexer.libraries.python_environment import site_packages_of
from codeassist_indexer.libraries.source_files import may_be_read
from codeassist_indexer.storage.analysis_reader import python_packages
from codeassist_indexer.storage.store import Store
from codeassist_indexer.workers.confinement import standard_paths

PLACEHOLDER = "codeassist_name"
"""What stands at the place in the text that jedi sees: half a line parses better with a name than without."""
_STATEMENT_CHARS = 2_000
_IMPORT_LINE = re.compile(r"^(?:from|import)\b[^\n(]*", re.MULTILINE)
# jedi reads a file of this length in about 3 s when it sees it first; what is longer would keep all others waiting.
_MAX_SOURCE_CHARS = 500_000
_MAX_SOURCE_LINES = 12_000
_LINE_END = re.compile(r"\r\n|\r|\n")


def python_question(question: NameQuery) -> dict[str, object] | None:
    """Return what the worker is asked about a place; None for a text that jedi could not read in any time."""
    before, place = question.before, question.place
    source = f"{before}{PLACEHOLDER}{question.suffix}"
    if len(source) > _MAX_SOURCE_CHARS or source.count("\n") > _MAX_SOURCE_LINES:
        return None
    line, column = _position(before)
    asked: dict[str, object] = {"source": source, "line": line, "column": column}
    if place.kind == "import":
        asked["statement"] = _statement(before)
    elif place.kind == "keyword":
        brackets = lex_end("python", before).brackets
        if not brackets:
            return None
        asked["bracket"] = _position(before[: brackets[-1]])
    return asked


def python_warm_up(text: str) -> dict[str, object]:
    """Return the question that makes the worker read a file and what it imports."""
    last = max((match.end() for match in _IMPORT_LINE.finditer(text)), default=0)
    line, column = _position(text[:last])
    return {"source": text[:_MAX_SOURCE_CHARS], "line": line, "column": column}


def module_folders(root: Path, store: Store) -> list[str]:
    """Return where modules are looked for: in the repository, its installed packages, the standard library.

    The packages' files are read as text; nothing in them is run, and no `.pth` file is followed. A folder of the
    repository that is a link out of it does not count: what is listed here may be read.
    """
    folders = [root, root / "src"]
    packages = dict.fromkeys(python_packages(store))
    for folder in packages:
        parent = folder.rpartition("/")[0]
        if parent and parent not in packages:  # the folder that holds a whole package
            folders.append(root / parent)
    inside = [str(folder) for folder in dict.fromkeys(folders) if may_be_read(root, folder)]
    paths = inside + [str(folder) for folder in site_packages_of(root)] + standard_paths()
    return list(dict.fromkeys(paths))


def _position(before: str) -> tuple[int, int]:
    """The line (from 1) and column (from 0, code points) of the end of a text, as jedi counts them."""
    ends = list(_LINE_END.finditer(before))
    return len(ends) + 1, len(before) - (ends[-1].end() if ends else 0)


def _statement(before: str) -> str:
    """The import statement that the text ends in."""
    tail = before[-_STATEMENT_CHARS:]
    starts = [match.start() for match in re.finditer(r"(?:^|[;\n])[ \t]*(?:from|import)\b", tail)]
    return tail[starts[-1] :].lstrip(";\n \t") if starts else tail
