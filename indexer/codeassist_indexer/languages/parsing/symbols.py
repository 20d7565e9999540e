"""The symbols of one file: which definitions stand in it, how they nest, and what each one's text says.

Each language's file holds its table, signatures.py cuts the one-line texts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tree_sitter import Node

from codeassist_indexer.languages.forms.definition_form import Form, Named
from codeassist_indexer.languages.forms.parsed import Symbol
from codeassist_indexer.languages.forms.signatures import (
    CommentAbove,
    binding_head,
    comments_by_last_row,
    definition_head,
    doc_comment,
    supertypes,
)
from codeassist_indexer.languages.parsing.name_lines import name_line
from codeassist_indexer.languages.registry import LANGUAGES
from codeassist_indexer.languages.spec import Definitions

MAX_DEPTH = 32
"""Definitions nested deeper are left out: dotted names of depth n take n² bytes, and nobody asks for the inner ones."""

MAX_NAME_CHARS = 200
"""A longer name is generated, or the parser took something else for it."""

TYPE_KINDS = frozenset({"class", "interface", "enum", "struct", "trait", "type"})
FUNCTION_KINDS = frozenset({"function", "method", "constructor"})
_HIDDEN_IN_FUNCTIONS = frozenset({"variable", "binding", "constant", "field", "method"})
_ONE_LINE_ROLES = frozenset({"variable", "binding", "attribute", "constant", "field", "type"})
_CONSTRUCTOR_NAMES = frozenset({"__init__", "constructor"})


def symbol_patterns(language: str) -> str:
    """The query text whose captures `read_symbols` takes: capture `s7` is row 7 of the language's table."""
    definitions = _definitions(language)
    rows = [
        form.pattern.replace("@_", f"@s{row}") if "@_" in form.pattern else f"{form.pattern} @s{row}"
        for row, form in enumerate(definitions.forms)
    ]
    return "\n".join(rows + [f"({comment}) @comment" for comment in definitions.comments])


def read_symbols(language: str, captures: dict[str, list[Node]], source: bytes) -> tuple[Symbol, ...]:
    """The symbols in the order of the text. `captures` come from a query that holds `symbol_patterns(language)`."""
    forms = _definitions(language).forms
    items = [
        (node.start_byte, -node.end_byte, row, node)
        for row in range(len(forms))
        for node in captures.get(f"s{row}", ())
    ]
    items.sort(key=lambda item: item[:3])
    walk = _Walk(source, comments_by_last_row(captures.get("comment", [])))
    before = None
    for start_byte, minus_end_byte, row, node in items:
        place = (start_byte, minus_end_byte, row)
        if place != before:  # a pattern may match a node once for each of several children
            walk.visit(forms[row], node, start_byte, -minus_end_byte)
        before = place
    return walk.result()


def _definitions(language: str) -> Definitions:
    return LANGUAGES[language].definitions or Definitions((), ())


@dataclass(frozen=True, slots=True)
class _Scope:
    """What the definitions inside a node belong to. `hides`: bindings in it are local and no symbols."""

    end_byte: int
    qualified_name: str
    name: str
    kind: str
    hides: bool


@dataclass(frozen=True, slots=True)
class _Lead:
    """What stands in front of a definition and counts to its span. `wraps`: the definition stands inside it."""

    start_byte: int
    start_row: int
    end_byte: int
    end_row: int
    wraps: bool
    kind: str | None

    def belongs_to(self, node: Node) -> bool:
        """Whether `node` is the definition inside the wrapper, or the one right after the prefix."""
        if self.wraps:
            return self.start_byte <= node.start_byte and node.end_byte <= self.end_byte
        return self.end_byte <= node.start_byte and node.start_point.row <= self.end_row + 1


class _Walk:
    """One pass over the definitions in the order of the text, outer ones first. Owns the open scopes."""

    def __init__(self, source: bytes, comments: dict[int, CommentAbove]) -> None:
        self.source = source
        self.comments = comments
        self.symbols: list[Symbol] = []
        self.fields: set[str] = set()
        self.modules: set[str] = set()
        self.traits_of_type: dict[str, list[str]] = {}
        self.lead: _Lead | None = None
        self.scopes = [_Scope(len(source) + 1, "", "", "file", False)]

    def visit(self, form: Form, node: Node, start_byte: int, end_byte: int) -> None:
        """Take one node: close the scopes that end before it, then add its symbols or open its scope."""
        scopes = self.scopes
        while scopes[-1].end_byte <= start_byte:
            scopes.pop()
        scope = scopes[-1]
        if len(scopes) > MAX_DEPTH or (scope.hides and form.kind in _HIDDEN_IN_FUNCTIONS):
            return
        if form.kind == "scope":
            scopes.append(_hiding(scope, end_byte))
        elif form.kind == "impl":
            self._open_impl(form.read(node, self.source), end_byte)
        elif form.kind in ("wrapper", "prefix"):
            self._lead_with(form, node)
        elif form.kind != "attribute":
            self._define(form, node, scope)
        elif (around := self._type_around()) is not None:
            self._define(form, node, around)

    def result(self) -> tuple[Symbol, ...]:
        """All symbols; a type's bases include the traits that `impl` blocks of this file give it."""
        traits = self.traits_of_type
        return tuple(
            replace(symbol, bases=tuple(dict.fromkeys((*symbol.bases, *traits[symbol.qualified_name]))))
            if symbol.qualified_name in traits and symbol.kind in TYPE_KINDS
            else symbol
            for symbol in self.symbols
        )

    def _open_impl(self, names: list[Named], end_byte: int) -> None:
        for named in names:
            qualified_name = _joined(self.scopes[-1].qualified_name, named.name)
            traits = [trait for trait in (named.owner, *(named.bases or ())) if trait]
            if traits:
                self.traits_of_type.setdefault(qualified_name, []).extend(traits)
            self.scopes.append(_Scope(end_byte, qualified_name, named.name, "struct", False))

    def _lead_with(self, form: Form, node: Node) -> None:
        """Remember what stands in front of the next definition; a run of prefixes counts as one."""
        start_byte, start_row = node.start_byte, node.start_point.row
        kind = next((named.kind for named in form.read(node, self.source)), None)
        before = self.lead
        if before is not None and (before.wraps or form.kind == "prefix") and before.belongs_to(node):
            start_byte, start_row, kind = before.start_byte, before.start_row, kind or before.kind
        self.lead = _Lead(start_byte, start_row, node.end_byte, node.end_point.row, form.kind == "wrapper", kind)

    def _type_around(self) -> _Scope | None:
        """The type whose method the walk is in."""
        for scope in reversed(self.scopes):
            if not scope.hides:
                return scope if scope.kind in TYPE_KINDS else None
        return None

    def _define(self, form: Form, node: Node, scope: _Scope) -> None:
        """Add a symbol for each name that `node` binds, and open the scope of the one that encloses others."""
        lead, self.lead = self.lead, None
        start_byte, start_row = node.start_byte, node.start_point.row
        end_byte, (end_row, end_column) = node.end_byte, node.end_point
        lead_kind = None
        if lead is not None and lead.belongs_to(node):
            start_byte, start_row, lead_kind = lead.start_byte, lead.start_row, lead.kind
        if lead_kind == "scope":
            self.scopes.append(_hiding(scope, end_byte))
            return
        # Some nodes take their newline along; the line after it is not theirs.
        end_line = end_row + 1 if end_column == 0 and end_row > start_row else end_row + 2
        for named in form.read(node, self.source):
            if not named.name or len(named.name) > MAX_NAME_CHARS:
                continue
            parent = _joined(scope.qualified_name, named.owner)
            qualified_name = _joined(parent, named.name)
            kind = self._kind(named, named.kind or form.kind, scope, parent)
            if kind == "scope":
                self.scopes.append(_hiding(scope, end_byte))
                continue
            if lead_kind is not None and kind == "method":
                kind = lead_kind
            if form.kind == "attribute" and qualified_name in self.fields:
                continue
            if kind == "field":
                self.fields.add(qualified_name)
            elif kind == "module":
                self.modules.add(qualified_name)
            read_head = binding_head if form.kind in _ONE_LINE_ROLES else definition_head
            bases = named.bases
            if bases is None:
                bases = supertypes(node, self.source) if kind in TYPE_KINDS else ()
            self.symbols.append(
                Symbol(
                    name=named.name,
                    qualified_name=qualified_name,
                    kind=kind,
                    signature=read_head(node, self.source) if named.head is None else named.head,
                    doc=named.doc or self._doc(start_row, start_byte, node),
                    parent=parent,
                    bases=bases,
                    start_byte=start_byte,
                    end_byte=end_byte,
                    start_line=start_row + 1,
                    end_line=end_line,
                    name_line=name_line(node, named.name, self.source),
                )
            )
            if named.encloses:
                hides = kind in FUNCTION_KINDS or (kind == "field" and form.kind in ("function", "method"))
                reach = end_byte if named.reach_byte is None else named.reach_byte
                self.scopes.append(_Scope(reach, qualified_name, named.name, kind, hides))

    def _doc(self, start_row: int, start_byte: int, node: Node) -> str:
        """The comment above what stands in front of the definition, or the one right above the definition."""
        above = doc_comment(start_row, start_byte, self.comments, self.source)
        if above or node.start_byte == start_byte:
            return above
        return doc_comment(node.start_point.row, node.start_byte, self.comments, self.source)

    def _kind(self, named: Named, kind: str, scope: _Scope, parent: str) -> str:
        """Resolve what depends on the place: see forms.definition_form.Form."""
        if kind == "attribute":
            return "field"
        if kind in ("variable", "binding"):
            if scope.kind in ("file", "module"):
                return "constant"
            return "constant" if kind == "binding" and scope.kind == "enum" else "field"
        in_type = scope.kind in TYPE_KINDS or scope.kind in ("constant", "field")
        if (
            kind in ("function", "method")
            and ((in_type and not scope.hides) or named.owner)
            and parent not in self.modules
        ):
            of_its_type = named.name == parent.rpartition(".")[2] or named.name in _CONSTRUCTOR_NAMES
            return "constructor" if of_its_type else "method"
        return kind


def _hiding(scope: _Scope, end_byte: int) -> _Scope:
    """A scope without a name of its own in `scope`."""
    return _Scope(end_byte, scope.qualified_name, scope.name, "function", True)


def _joined(qualified_name: str, name: str) -> str:
    return f"{qualified_name}.{name}" if qualified_name and name else qualified_name or name
