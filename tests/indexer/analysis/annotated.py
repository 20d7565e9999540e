"""Annotated source files: what an analysis must say at marked places.

A line below a line of code is a mark where it is a comment whose first sign is a caret: it points at the place. What
stands in the code from there on is taken away, as if it had not been written yet; with `~` for the caret, only the name
at the place is, and the rest of the line stays. After it stands

    kind                 the place's kind, `member` where it is left out
    = a b                these names are allowed and no others (of `object` and the like, `+dunder` ones do not count)
    +a -b                `a` is allowed, `b` is not
    ... room=1           and there may stand one argument more by position (`room=?`: that is not known)
    likely ...           the same, of names that are only likely; without it they must be sure
    ?                    nothing is known, nobody says what is allowed
    none                 it is no place

Files are kept as NAME.EXT.case; marks are no part of the repository that is made of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from codeassist.request import CompletionRequest
from codeassist_indexer.analysis.service import RepositoryAnalysisService
from codeassist_indexer.ingest.update import update_index
from codeassist_indexer.storage.store import Store

CASES = Path(__file__).parent / "cases"
_MARK = re.compile(r"^\s*(?:#|//)\s*(?P<sign>[\^~])\s*(?P<says>.*)$")
_NAME = re.compile(r"[\w$]*")
_KINDS = ("member", "import", "keyword", "case", "class")


@dataclass(frozen=True)
class Case:
    """One mark. `path` is relative to the repository; `line` counts from 1 in the annotated file."""

    path: str
    line: int
    prefix: str
    suffix: str
    says: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


def read_cases(language: str) -> tuple[dict[str, str], list[Case]]:
    """Return the files of a language's repository, and the cases in them."""
    files: dict[str, str] = {}
    cases: list[Case] = []
    folder = CASES / language
    for file in sorted(folder.rglob("*.case")):
        path = file.relative_to(folder).as_posix().removesuffix(".case")
        lines = file.read_text(encoding="utf-8").splitlines()
        code = [line for line in lines if _MARK.match(line) is None]
        files[path] = "\n".join(code) + "\n"
        num_code = 0
        for number, line in enumerate(lines, start=1):
            mark = _MARK.match(line)
            if mark is None:
                num_code += 1
                continue
            column = mark.start("sign")
            marked = code[num_code - 1]
            assert len(marked) >= column, f"{path}:{number}: the mark points after its line"
            rest = "" if mark["sign"] == "^" else _NAME.sub("", marked[column:], count=1)
            prefix = "\n".join([*code[: num_code - 1], marked[:column]])
            suffix = "\n".join([rest, *code[num_code:]]) + "\n"
            cases.append(Case(path, number, prefix, suffix, mark["says"]))
    return files, cases


def make_repository(root: Path, files: dict[str, str]) -> Store:
    """Write the files below `root` and index them."""
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    store = Store(root.parent / f"{root.name}.db")
    update_index(store, root)
    return store


def check(analyst: RepositoryAnalysisService, case: Case) -> None:
    """Assert what the mark says."""
    request = CompletionRequest(case.path, case.prefix, case.suffix)
    analysis = analyst.analyse(request)
    assert analysis is not None
    place = analysis.place(case.prefix)
    kind, _, says = case.says.partition(" ") if case.says.split()[0] in _KINDS else ("member", "", case.says)
    if says == "none":
        assert place is None
        return
    assert place is not None, "no place"
    assert (place.kind, place.start) == (kind, len(case.prefix))
    allowed = analysis.names(case.prefix, place)
    if says == "?":
        assert allowed is None, f"knows {sorted(allowed.names)[:20]}"
        return
    found = analysis.found(case.prefix, place)  # type: ignore[attr-defined]
    assert allowed is not None, found.source
    is_likely = says.split()[0] == "likely"
    assert (allowed.strength == "likely") == is_likely, f"{allowed.strength}: {found.doubt}"
    *words, last = says.split()[is_likely:] or ["+"]
    if last.startswith("room="):
        assert str(allowed.room) == last.removeprefix("room=").replace("?", "None")
    else:
        words.append(last)
    if words[0] == "=":
        plain = {name for name in allowed.names if not name.startswith("__")}
        assert plain == set(words[1:]), sorted(plain)
        return
    for word in words:
        assert word[0] in "+-"
        if not word[1:]:
            continue
        assert (word[1:] in allowed.names) == (word[0] == "+"), f"{word}: {sorted(allowed.names)[:40]}"
