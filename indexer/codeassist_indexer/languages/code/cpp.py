"""C++: what C has, and more."""

from __future__ import annotations

import re
from dataclasses import replace

from codeassist_indexer.languages.code.c import DEFINITION_FORMS, type_by_name
from codeassist_indexer.languages.code.c import LANGUAGE as C
from codeassist_indexer.languages.forms import literals as of
from codeassist_indexer.languages.forms.definition_form import Form, leaf_by_name, module_by_name, nothing
from codeassist_indexer.languages.forms.lexicon import Lexicon, Literal
from codeassist_indexer.languages.forms.words import words
from codeassist_indexer.languages.spec import Definitions, Grammar, SharedExtension

_FORMS = (
    Form("(template_declaration)", "wrapper", nothing),
    *DEFINITION_FORMS,
    Form("(friend_declaration)", "scope", nothing),  # a friend is declared where it is defined
    Form("(class_specifier body: (_))", "class", type_by_name),
    Form("(namespace_definition)", "module", module_by_name),
    Form("[(alias_declaration) (concept_definition)]", "type", leaf_by_name),
    Form("(lambda_expression)", "scope", nothing),
)

# What no C header holds outside a comment. `extern "C"` is left out on purpose: it stands in C headers.
_CPP_ONLY = re.compile(
    r"^[ \t]*(?:class\s[^;{}()*]{0,200}[;{]|(?:inline\s+)?namespace\s*[\w:]*\s*\{|template\s*<"
    r"|(?:public|private|protected)\s*:"
    r"|using\s+(?:namespace\b|\w+\s*=|\w+::)|#\s*include\s*<\w+>|(?:static\s+|inline\s+)*constexpr\b"
    r"|virtual\s|(?:[\w*&<> ]{1,80}[ \t])?\w+::~?\w+\()",
    re.MULTILINE,
)
_KEYWORDS = words(
    """catch class constexpr delete explicit export final friend mutable namespace new noexcept nullptr operator
    override private protected public template this throw try typename using virtual std"""
)

_LEXICON = Lexicon("cpp", (Literal(r'(?<=R)"(\w*)\(', r')\1"', "none", is_long=True), *of.C_LIKE))

LANGUAGE = replace(
    C,
    name="cpp",
    ids=("cpp", "objective-cpp", "objcpp", "cuda-cpp", "cuda"),
    extensions=(
        ".cpp",
        ".cc",
        ".cxx",
        ".c++",
        ".hpp",
        ".hh",
        ".hxx",
        ".h++",
        ".ipp",
        ".inl",
        ".tpp",
        ".cu",
        ".cuh",
    ),
    exact_extensions=(".C",),
    shared_extensions=(SharedExtension(".h", _CPP_ONLY),),
    grammar=Grammar("tree_sitter_cpp"),
    definitions=Definitions(_FORMS),
    keywords=(C.keywords or frozenset()) | _KEYWORDS,
    lexicon=_LEXICON,
)
