"""Bash, and what other shells share with it.

Definitions know no subshells: what stands outside of functions is taken for global.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace

from tree_sitter import Node

from codeassist_indexer.languages.forms import literals as of
from codeassist_indexer.languages.forms.definition_form import Form, Named, nothing
from codeassist_indexer.languages.forms.import_form import ImportForm, line_of
from codeassist_indexer.languages.forms.indexed_paths import IndexedPaths, ends_with, nearest, paths_by_module
from codeassist_indexer.languages.forms.lexicon import Lexicon
from codeassist_indexer.languages.forms.parsed import Import
from codeassist_indexer.languages.forms.signatures import head_before, node_text
from codeassist_indexer.languages.forms.words import words
from codeassist_indexer.languages.spec import Definitions, Grammar, Imports, LanguageSpec, WordBlocks

_ALIAS = re.compile(r"alias\s+(?:-\w+\s+)*([\w.-]+)=")
_BEFORE_PATH = re.compile(r"(?:\$\([^()]*(?:\([^()]*\)[^()]*)*\)|\$\{[^{}]*\}|\$\w+|[\"'])+")


def _function(node: Node, source: bytes) -> list[Named]:
    name = node.child_by_field_name("name")
    if name is None:
        return []
    bodies = ("compound_statement", "subshell", "if_statement", "test_command")
    return [Named(node_text(name, source), encloses=True, head=head_before(node, source, *bodies))]


def _variable(node: Node, source: bytes) -> list[Named]:
    """`A=1`, also behind `export` and its kind; not what only the command behind it is given, as in `A=1 make`."""
    name = node.child_by_field_name("name")
    if name is None or name.type != "variable_name" or (node.parent is not None and node.parent.type == "command"):
        return []
    return [Named(node_text(name, source))]


def _alias(node: Node, source: bytes) -> list[Named]:
    found = _ALIAS.match(node_text(node, source))
    return [Named(found[1])] if found else []


_FORMS = (
    Form("(declaration_command)", "wrapper", nothing),
    Form("(function_definition)", "function", _function),
    Form("(variable_assignment)", "constant", _variable),
    Form("(command name: (command_name (word)) argument: (concatenation . (word)))", "constant", _alias),
)


def _source(node: Node, source: bytes) -> list[Import]:
    """`source a.sh`, `. "$(dirname "$0")/a.sh"`: the path as far as it is written out."""
    name, argument = node.child_by_field_name("name"), node.child_by_field_name("argument")
    if name is None or argument is None or node_text(name, source) not in ("source", "."):
        return []
    path = _BEFORE_PATH.sub("", node_text(argument, source)).lstrip("/").strip()
    return [Import(path, "*", "", line_of(node))] if path and "$" not in path and " " not in path else []


def _files(index: IndexedPaths, path: str, imported: Import) -> list[str]:
    """The file beside this one, or from the repository's root; else the nearest whose path ends like that."""
    written = posixpath.normpath(imported.module)
    here = [posixpath.normpath(posixpath.join(posixpath.dirname(path), written)), written]
    found = index.existing(here)[:1]
    parts = [part for part in written.split("/") if part not in ("", ".", "..")]
    if found or not parts:
        return found
    named = paths_by_module(index, [parts[-1].partition(".")[0]], "")
    return nearest((each for each in named if ends_with(each.split("/"), parts)), path)[:1]


def _is_one_line(line: str) -> bool:
    return not line.rstrip().endswith("\\")


_SHELL_HOLES = (of.COMMAND, of.DOLLAR)
_LEXICON = Lexicon(
    "shell",
    (
        of.HASH_WORD,
        of.HERE_DOCUMENT,
        replace(of.LONG_DOUBLE, holes=_SHELL_HOLES),
        of.RAW_SINGLE,
        of.TICK,
    ),
    has_case_patterns=True,
    has_escapes=True,
)

LANGUAGE = LanguageSpec(
    name="bash",
    ids=("shellscript", "sh", "bash", "zsh", "ksh"),
    extensions=(".sh", ".bash", ".zsh", ".ksh"),
    interpreters=("sh", "bash", "zsh", "ksh", "dash", "ash"),
    file_names=(".bashrc", ".bash_profile", ".bash_aliases", ".bash_logout", ".profile", ".zshrc", "PKGBUILD"),
    grammar=Grammar("tree_sitter_bash"),
    definitions=Definitions(_FORMS),
    imports=Imports(
        forms=(ImportForm("(command name: (command_name (word)) argument: (_))", _source),),
        files=_files,
        line=re.compile(r"\n[ \t]*(?:source|\.)[ \t]"),
        is_one_line=_is_one_line,
    ),
    keywords=words(
        """if then elif else fi for while until do done case esac in function select time return exit break continue
        local declare typeset readonly export unset set shift eval exec source trap echo printf test true false"""
    ),
    line_comments=("#",),
    lexicon=_LEXICON,
    blocks=WordBlocks(
        header=re.compile(r".*(?:(?:^|[;\s])(?:then|do|else|in)|[{(]|^\s*[^()\s]+\))\s*$"),
        function=re.compile(r"(?:function\s+)?([^\W\d][\w-]*)\s*(?:\(\)|\{$)"),
        end="",
        closers=re.compile(r"(?:fi|done|esac|;;)(?=[ \t]*(?:[\n;|&>)]|\Z))"),
    ),
    without=frozenset({"analysis"}),
)
