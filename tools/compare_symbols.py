"""The index's definitions of a folder's files, held against what others find there.

    python tools/compare_symbols.py FOLDER [--examples N]

Two oracles: universal-ctags, if it is on PATH and reads the language, and the tag query (`queries/tags.scm`) that a
grammar's wheel may bring. A definition is found where both name it and the oracle's line is one of its lines. For each
language: the definitions of an oracle, the share of them that the index has (recall), and the share of the index's
types and functions that some oracle confirms; what no oracle looks for, as constructors in Swift, counts against it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from importlib.resources import files
from pathlib import Path

from tree_sitter import Node, Query, QueryCursor

from codeassist_indexer.languages.forms.parsed import Symbol
from codeassist_indexer.languages.parsing.parse import parse_file
from codeassist_indexer.languages.parsing.symbols import FUNCTION_KINDS, TYPE_KINDS
from codeassist_indexer.languages.registry import LANGUAGES, grammar, indexed_language_of, parser

CTAGS_KINDS = {
    "php": "cdfint", "ruby": "cfmSCA", "kotlin": "picomTC", "lua": "f", "bash": "fa", "sql": "ftpTV",
    "python": "cfm", "java": "acefgimp", "go": "fcsniva", "rust": "nsicgtmPfeM", "c": "fgsu", "csharp": "cgimnpsE",
    "javascript": "fcmgG", "typescript": "fciegm", "cpp": "cdefgmnpstu",
}  # fmt: skip
"""The kinds of ctags that are definitions here: no uses, no imports, no local variables."""
LOCAL = frozenset({"function", "method", "singletonMethod", "procedure", "subroutine"})
"""What ctags finds in one of these is local, and no definition here, unless it is a function itself."""
LOCAL_NODES = frozenset({
    "function_body", "function_definition", "lambda_literal", "lambda_expression", "computed_property",
    "willset_didset_block", "block", "indented_block", "case_block", "statement_block", "init_declaration",
})  # fmt: skip
"""The same of what a tag query finds that is no function."""
CTAGS_NAMES = {
    "bash": "Sh", "csharp": "C#", "cpp": "C++", "php": "PHP", "sql": "SQL", "javascript": "JavaScript",
    "typescript": "TypeScript",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Definition:
    """A name that an oracle finds on a line, counted from 1; `kind` is the oracle's own word."""

    name: str
    line: int
    kind: str


@dataclass(slots=True)
class Comparison:
    """What was found in the files of one language."""

    num_files: int = 0
    num_with_errors: int = 0
    num_symbols: int = 0
    num_judged: int = 0
    num_confirmed: int = 0
    num_wanted: Counter[str] = field(default_factory=Counter[str])
    num_found: Counter[str] = field(default_factory=Counter[str])
    missed: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    unconfirmed: list[str] = field(default_factory=list[str])


def plain_name(name: str) -> str:
    """The name itself, without the types, modules and quotes in front of it."""
    for separator in ("::", "\\", ".", ":"):
        head, _, tail = name.rpartition(separator)
        name = tail if head and tail else name
    return name.strip("\"'`$@: ").removeprefix("self.")


def ctags_definitions(path: Path, language: str) -> list[Definition] | None:
    """What universal-ctags finds, or None where it is absent or does not read the language."""
    program, kinds = shutil.which("ctags"), CTAGS_KINDS.get(language)
    if program is None or kinds is None:
        return None
    name = CTAGS_NAMES.get(language, language.capitalize())
    command = [program, "--options=NONE", "--output-format=json", "--fields=+nsKl", f"--language-force={name}"]
    command += [f"--kinds-{name}={kinds}", "--sort=no", "-f", "-", str(path)]
    found = subprocess.run(command, capture_output=True, check=True).stdout.decode("utf-8", "replace")
    tags = [json.loads(line) for line in found.splitlines() if line.startswith("{")]
    tags = [tag for tag in tags if tag["language"] == name and not _is_local(tag) and not _is_made_up(tag)]
    return [Definition(plain_name(tag["name"]), tag["line"], tag["kind"]) for tag in tags]


def _is_local(tag: dict[str, str]) -> bool:
    return tag.get("scopeKind", "") in LOCAL and tag["kind"] not in LOCAL


def _is_made_up(tag: dict[str, str]) -> bool:
    """Whether nothing has the name: a lambda, the writer beside a reader, an array of Bash that is no function."""
    name, kind = tag["name"], tag["kind"]
    if tag["language"] == "Kotlin" and (name == "Companion" or (kind == "method" and "fun " not in tag["pattern"])):
        return True  # a companion object without a name; a lambda's parameter
    return name.startswith(("<", "Anonymous", "__anon")) or (name.endswith("=") and kind in ("accessor", "function"))


def tag_query(language: str) -> Query | None:
    """The tag query of the grammar's wheel, or None where it brings none."""
    wanted = LANGUAGES[language].grammar
    if wanted is None:
        return None
    query = files(import_module(wanted.module)).joinpath("queries", "tags.scm")
    return Query(grammar(language), query.read_text("utf-8")) if query.is_file() else None


def query_definitions(text: str, language: str, query: Query) -> list[Definition]:
    """What the tag query finds."""
    definitions: dict[tuple[str, int], Definition] = {}
    source = text.encode()
    for _, captures in QueryCursor(query).matches(parser(language).parse(source).root_node):
        kind = next((each for each in captures if each.startswith("definition.")), None)
        is_function = kind is not None and kind.partition(".")[2] in LOCAL
        if kind is not None and (is_function or not any(map(_is_in_function, captures[kind]))):
            for node in captures.get("name", ()):
                name = plain_name(source[node.start_byte : node.end_byte].decode("utf-8", "replace"))
                found = Definition(name, node.start_point.row + 1, kind)
                definitions.setdefault((found.name, found.line), found)  # one node may be a function and a method
    return list(definitions.values())


def _is_in_function(node: Node) -> bool:
    around = node.parent
    while around is not None and around.type not in LOCAL_NODES:
        around = around.parent
    return around is not None


def matched(symbols: Iterable[Symbol], wanted: Iterable[Definition]) -> Iterator[tuple[Definition, Symbol | None]]:
    """Each definition with the symbol that it is, the one that begins nearest above it; each symbol once."""
    by_name: dict[str, list[Symbol]] = defaultdict(list)
    for symbol in symbols:
        by_name[plain_name(symbol.name)].append(symbol)
    for definition in wanted:
        near = [each for each in by_name[definition.name] if each.start_line <= definition.line < each.end_line]
        best = max(near, key=lambda each: each.start_line, default=None)
        if best is not None:
            by_name[definition.name].remove(best)
        yield definition, best


def compare_file(path: Path, shown: str, text: str, of: Comparison, query: Query | None) -> None:
    """Add one file to the figures of its language."""
    parsed = parse_file(path.name, text)
    if parsed is None:
        return
    of.num_files += 1
    of.num_with_errors += parsed.has_error
    of.num_symbols += len(parsed.symbols)
    oracles = {"ctags": ctags_definitions(path, parsed.language)}
    if query is not None:
        oracles["tags.scm"] = query_definitions(text, parsed.language, query)
    confirmed: set[int] = set()
    for oracle, definitions in oracles.items():
        for definition, symbol in matched(parsed.symbols, definitions or ()):
            of.num_wanted[oracle] += 1
            if symbol is None:
                where = f"{shown}:{definition.line} {definition.kind} {definition.name}"
                of.missed[oracle].append(f"{where}{' (the file has errors)' if parsed.has_error else ''}")
            else:
                of.num_found[oracle] += 1
                confirmed.add(id(symbol))
    judged = [each for each in parsed.symbols if each.kind in TYPE_KINDS | FUNCTION_KINDS]
    rest = [each for each in judged if id(each) not in confirmed]
    of.num_judged += len(judged)
    of.num_confirmed += len(judged) - len(rest)
    of.unconfirmed += [f"{shown}:{each.start_line} {each.kind} {each.qualified_name}" for each in rest]


def compare_folder(folder: Path) -> dict[str, Comparison]:
    """The figures of all files below a folder, by language."""
    found: dict[str, Comparison] = {}
    queries: dict[str, Query | None] = {}
    for path in sorted(folder.rglob("*")):
        if indexed_language_of(path.name) is None or not path.is_file() or path.stat().st_size > 1_000_000:
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        language = indexed_language_of(path.name, text) or ""
        if language not in queries:
            queries[language] = tag_query(language)
        shown = str(path.relative_to(folder))
        compare_file(path, shown, text, found.setdefault(language, Comparison()), queries[language])
    return found


def main() -> None:
    """Print a table, and under it what was missed."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--examples", type=int, default=0, help="how many of what differs to print for each")
    given = arguments.parse_args()
    print("| language | files | with errors | definitions | oracle | of the oracle | recall | confirmed |")
    print("| --- | ---: | ---: | ---: | --- | ---: | ---: | ---: |")
    compared = compare_folder(given.folder)
    for language, each in sorted(compared.items()):
        row = f"| {language} | {each.num_files} | {each.num_with_errors} | {each.num_symbols} |"
        share = f"{each.num_confirmed / max(1, each.num_judged):.1%}"
        for oracle, num in sorted(each.num_wanted.items()) or [("none", 0)]:
            recall = f"{each.num_found[oracle] / num:.1%}" if num else ""
            print(f"{row} {oracle} | {num} | {recall} | {share} |")
    for language, each in sorted(compared.items()):
        for oracle, missed in each.missed.items():
            for line in missed[: given.examples]:
                print(f"{language}, {oracle} only: {line}")
        for line in each.unconfirmed[: given.examples]:
            print(f"{language}, index only: {line}")


if __name__ == "__main__":
    main()
