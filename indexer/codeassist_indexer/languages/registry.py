"""The languages that the index reads: which file is which, its grammar, parser and line comment.

Knows nothing about what a definition or an import looks like; symbols.py and imports.py hold that for each language.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath

import tree_sitter_c
import tree_sitter_c_sharp
import tree_sitter_cpp
import tree_sitter_go
import tree_sitter_java
import tree_sitter_javascript
import tree_sitter_python
import tree_sitter_rust
import tree_sitter_typescript
from tree_sitter import Language, Parser

IDENTIFIER = re.compile(r"[^\W\d]\w*")
"""An identifier as all ten languages write it, in any script (`$` of JavaScript is left out: it is rare in names)."""

HEADER_SNIFF_CHARS = 20_000
"""How much of a `.h` file is looked at to tell C++ from C: licence texts can be long, the rest is enough."""

# What no C header holds outside a comment. `extern "C"` is left out on purpose: it stands in C headers.
_CPP_ONLY = re.compile(
    r"^[ \t]*(?:class\s[^;{}()*]{0,200}[;{]|(?:inline\s+)?namespace\s*[\w:]*\s*\{|template\s*<"
    r"|(?:public|private|protected)\s*:"
    r"|using\s+(?:namespace\b|\w+\s*=|\w+::)|#\s*include\s*<\w+>|(?:static\s+|inline\s+)*constexpr\b"
    r"|virtual\s|(?:[\w*&<> ]{1,80}[ \t])?\w+::~?\w+\()",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class LanguageFacts:
    """What does not depend on a file's text. `make_grammar` returns the pointer that tree-sitter's Language takes."""

    name: str
    extensions: tuple[str, ...]
    comment_prefix: str
    make_grammar: Callable[[], object]


LANGUAGES: dict[str, LanguageFacts] = {
    facts.name: facts
    for facts in (
        LanguageFacts("python", (".py", ".pyi", ".pyw"), "#", tree_sitter_python.language),
        LanguageFacts("java", (".java",), "//", tree_sitter_java.language),
        LanguageFacts("typescript", (".ts", ".mts", ".cts"), "//", tree_sitter_typescript.language_typescript),
        LanguageFacts("tsx", (".tsx",), "//", tree_sitter_typescript.language_tsx),
        LanguageFacts("javascript", (".js", ".jsx", ".mjs", ".cjs"), "//", tree_sitter_javascript.language),
        LanguageFacts("csharp", (".cs", ".csx"), "//", tree_sitter_c_sharp.language),
        LanguageFacts("go", (".go",), "//", tree_sitter_go.language),
        LanguageFacts("rust", (".rs",), "//", tree_sitter_rust.language),
        LanguageFacts("c", (".c", ".h"), "//", tree_sitter_c.language),
        LanguageFacts(
            "cpp",
            (".cpp", ".cc", ".cxx", ".c++", ".hpp", ".hh", ".hxx", ".h++", ".ipp", ".inl", ".tpp", ".cu", ".cuh"),
            "//",
            tree_sitter_cpp.language,
        ),
    )
}

_LANGUAGE_OF_EXTENSION = {extension: facts.name for facts in LANGUAGES.values() for extension in facts.extensions}


def language_of(path: str, text: str = "") -> str | None:
    """The language of a file by its extension, or None. A `.h` file is C unless `text` holds what only C++ has."""
    # The extension of "a.C" is C++ by convention; every other is read without regard to case ("MAIN.PY" of old disks).
    suffix = PurePosixPath(path.replace("\\", "/")).suffix
    if suffix == ".C":
        return "cpp"
    language = _LANGUAGE_OF_EXTENSION.get(suffix.lower())
    if suffix == ".h" and _CPP_ONLY.search(text, 0, HEADER_SNIFF_CHARS):
        return "cpp"
    return language


def comment_prefix(language: str) -> str:
    """What starts a comment that runs to the end of the line. Unknown languages get "#", which most formats take."""
    facts = LANGUAGES.get(language)
    return facts.comment_prefix if facts else "#"


@cache
def grammar(language: str) -> Language:
    """The grammar of one of LANGUAGES, made once a process."""
    return Language(LANGUAGES[language].make_grammar())


class _ThreadParsers(threading.local):
    """The parsers of one thread: a tree-sitter parser holds state while it runs and must not be shared."""

    def __init__(self) -> None:
        self.by_language: dict[str, Parser] = {}


_parsers = _ThreadParsers()


def parser(language: str) -> Parser:
    """This thread's parser for one of LANGUAGES, made on first use."""
    made = _parsers.by_language.get(language)
    if made is None:
        made = _parsers.by_language[language] = Parser(grammar(language))
    return made
