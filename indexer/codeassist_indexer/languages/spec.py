"""What the file of a language says of it: a `LanguageSpec`, found by registry.py under the name LANGUAGE.

Everything that the program knows of one language alone stands there; what reads it names no language.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from codeassist_indexer.languages.forms.definition_form import Form
from codeassist_indexer.languages.forms.import_form import ImportForm
from codeassist_indexer.languages.forms.indexed_paths import IndexedPaths
from codeassist_indexer.languages.forms.lexicon import Lexicon
from codeassist_indexer.languages.forms.mend import Mends
from codeassist_indexer.languages.forms.parsed import Import, Symbol

IMPORT_LINE = re.compile(
    r"\n[ \t]*(?:(?:pub(?:\([^)\n]*\))?[ \t]+)?use|import|from|using|global using|export|mod|#[ \t]*include)\b"
)
"""The line break before a line that imports, as most languages write it; `^` would be tried at each character."""

_OFFERED_MEMBERS = frozenset({"__init__", "__new__", "__call__", "__enter__", "__aenter__", "__getitem__", "__iter__"})

PARTS = {
    "definitions": "its types and functions are in no prompt, and chunks bear no names",
    "imports": "what a file imports is not looked up: only neighbours and similar text go into prompts",
    "keywords": "search finds code because it holds the same keywords",
    "lexicon": "what stands open at the cursor is guessed: closers come twice, and answers are cut in strings",
    "blocks": "blocks are told by braces alone: no body is suggested behind a colon or below a signature",
    "analysis": "no monitor: suggestions may name members that do not exist",
}
"""The parts that a language can do without, each with what a user then loses."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """A tree-sitter grammar of a wheel: `function` of the module returns the pointer. Imported with its first use."""

    module: str
    function: str = "language"


@dataclass(frozen=True, slots=True)
class SharedExtension:
    """An extension that another language owns; the file is this one's where the pattern is found near its start."""

    extension: str
    holds: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Definitions:
    """`forms`: which nodes define something, and as what. `comments`: the types of nodes that are comments."""

    forms: tuple[Form, ...]
    comments: tuple[str, ...] = ("comment",)


def is_no_private_member(symbol: Symbol, owner: str) -> bool:
    """Say whether importers may use what is named as languages do that know no better: a member's underscore hides it.

    `owner`: the kind of what it belongs to, "" at the top of a file.
    """
    return not owner or not symbol.name.startswith("_") or symbol.name in _OFFERED_MEMBERS


@dataclass(frozen=True, slots=True)
class LibraryImports:
    """How imports lead into installed packages, and into projects beside this one.

    `ecosystem` names what finds them on the disk (libraries/). `package_of` gives, of an import's module as it is
    written, the name that packages are known by there; "" for what cannot be one. `files` returns the files of a
    package in which the imported name may be defined, the likeliest first; it is told what the package says of its
    entries (`Installation` says what these are). `is_offered` says of a definition whether importers may use it, told
    the kind of what it belongs to. `owner` heads a member that is shown without its type; "": its own head says it.
    `joins_files`: what a module offers is what all of these files define, and its files see each other.
    `is_typed_before`: a type stands before what it is of, as in `Client client`. `named_by_path`
    returns what a text names of packages without importing it.
    """

    ecosystem: str
    package_of: Callable[[str], str]
    files: Callable[[IndexedPaths, Mapping[str, str], Import], list[str]]
    is_offered: Callable[[Symbol, str], bool] = is_no_private_member
    owner: str = "class {}"
    joins_files: bool = False
    is_typed_before: bool = False
    named_by_path: Callable[[str], list[Import]] | None = None


@dataclass(frozen=True, slots=True)
class Imports:
    """How a file takes names from others, and which files these are.

    `files` returns the indexed files in which the imported name may be defined, the likeliest first; `read_ahead` reads
    for many imports at once what `files` will ask one by one. `line` and `call` (a text) find the last import of a file
    without a parser; `is_one_line` says of its line that the import ends with it. `sees_folder`: the other files of the
    folder need no import. `folder_modules`: file names without extension that importers call by the folder's name.
    """

    forms: tuple[ImportForm, ...]
    files: Callable[[IndexedPaths, str, Import], list[str]]
    read_ahead: Callable[[IndexedPaths, Iterable[Import]], None] | None = None
    line: re.Pattern[str] = IMPORT_LINE
    call: str | None = None
    is_one_line: Callable[[str], bool] | None = None
    sees_folder: bool = False
    folder_modules: tuple[str, ...] = ()
    libraries: LibraryImports | None = None


@dataclass(frozen=True, slots=True)
class IndentedBlocks:
    """Blocks are told by indentation. `header` matches a line that opens one.

    `function` matches the line (without indentation) that defines a function, with its name as the first group;
    `definition` finds a line that is surely code; `doc_quotes` end a documentation string.
    """

    header: re.Pattern[str]
    function: re.Pattern[str]
    definition: re.Pattern[str]
    doc_quotes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BracedBlocks:
    """Blocks stand in braces. `unindented` finds what encloses code without indenting it.

    Its group "opens" is the opening text; a match without that is such a block's end. `statement_end` ends a
    declaration without a body.
    """

    unindented: re.Pattern[str] | None = None
    statement_end: str = ";"


@dataclass(frozen=True, slots=True)
class WordBlocks:
    """Blocks end with a word. `header` matches a line that opens one.

    `function` matches the line (without indentation) that defines a function, with its name as the first group; `end`
    ends a type's definition, "" where members stand outside of it; `closers` matches (without indentation) the lines
    that end a block.
    """

    header: re.Pattern[str]
    function: re.Pattern[str]
    end: str
    closers: re.Pattern[str]


Blocks = IndentedBlocks | BracedBlocks | WordBlocks


@dataclass(frozen=True, slots=True)
class BracePlaces:
    """Places of names in a language of braces: after a dot and `new` always; the others where they are given.

    `import_path` matches a whole line up to the name that is being imported; `import_braces` the text from the line of
    the open brace on; `method_reference` and `case_label` find their end at the end of the line.
    """

    name_end: re.Pattern[str]
    import_path: re.Pattern[str] | None = None
    import_braces: re.Pattern[str] | None = None
    method_reference: re.Pattern[str] | None = None
    case_label: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class BuiltInMembers:
    """Members that the language itself gives.

    `of_objects`: after any value; `of_own_objects`: after `this`; `of_types`: after a type's name; `of_kinds`: of
    the types of one kind. `known_bases`: types outside of a repository that add no more than is said here.
    """

    of_objects: frozenset[str]
    of_own_objects: frozenset[str]
    of_types: frozenset[str]
    of_kinds: Mapping[str, frozenset[str]]
    known_bases: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class DeclaredTypes:
    """A language whose declared types analysis/declared reads: `reader` is the import path of its module.

    `languages` are those whose files share their types with it, itself among them.
    """

    family: str
    reader: str
    languages: tuple[str, ...]
    members: BuiltInMembers


@dataclass(frozen=True, slots=True)
class Analysis:
    """How monitors know the names that may stand at a place. `code` is made of the pieces of forms/code_pattern.py.

    `places` None: those of Python. `declared` None: jedi finds the names.
    """

    code: re.Pattern[str]
    places: BracePlaces | None = None
    declared: DeclaredTypes | None = None


@dataclass(frozen=True, slots=True)
class LanguageSpec:
    """One language. `name` stands in indexes and settings; `ids` are the editors' names for it, LSP's own first.

    `extensions` are lower case and fit in any case, `exact_extensions` and `file_names` (whole names of files, as
    "SConstruct") only as they are written; `interpreters` are the programs, without a version, that a script's first
    line names. A part that is None is named in `without`: PARTS says what that costs.
    `line_comments` begin comments that run to the end of the line; the first one heads paths in prompts.
    `doubled_names` of its library say a word twice, as `strstr`: who says the half-typed word may be going on with it.
    `mends` put what the grammar cannot read as it can.
    Files of a language without a `grammar` are in no index: suggestions are fitted to them, and that is all.
    """

    name: str
    ids: tuple[str, ...]
    extensions: tuple[str, ...]
    grammar: Grammar | None = None
    definitions: Definitions | None = None
    imports: Imports | None = None
    keywords: frozenset[str] | None = None
    line_comments: tuple[str, ...] = ("//",)
    lexicon: Lexicon | None = None
    blocks: Blocks | None = None
    analysis: Analysis | None = None
    mends: Mends | None = None
    exact_extensions: tuple[str, ...] = ()
    file_names: tuple[str, ...] = ()
    interpreters: tuple[str, ...] = ()
    shared_extensions: tuple[SharedExtension, ...] = ()
    doubled_names: frozenset[str] = frozenset()
    without: frozenset[str] = field(default_factory=frozenset[str])

    def losses(self) -> dict[str, str]:
        """The parts that this language does not have, each with what a user loses thereby."""
        return {part: loss for part, loss in PARTS.items() if getattr(self, part) is None}
