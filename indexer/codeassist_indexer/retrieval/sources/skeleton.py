"""A definition as a few lines: its head, its documentation's first line, and of a type the members' signatures.

Knows nothing about why a definition is wanted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from codeassist_indexer.languages.registry import blocks_of, comment_prefix
from codeassist_indexer.languages.spec import IndentedBlocks, WordBlocks
from codeassist_indexer.storage.store import Store
from codeassist_indexer.storage.symbol_reader import Definition, Member, read_members

_TYPE_KINDS = frozenset({"class", "interface", "enum", "struct", "trait"})
_CALLABLE_KINDS = frozenset({"function", "method", "constructor"})
# What the language itself keeps from other files; a Python underscore is only a wish, and subclasses use it.
_PRIVATE = re.compile(r"(?:@\w+\s+)*(?:file)?private\b(?!\s+protected|\(set\))|#")
_MAX_MEMBERS = 30
_MAX_MEMBER_CHARS = 200


def render(store: Store, definition: Definition) -> str:
    """Return the definition's skeleton in its language, ending with a newline."""
    return render_with(definition, read_members(store, [definition.symbol_id])[definition.symbol_id])


def has_members(definition: Definition) -> bool:
    """Say whether a definition is one whose members are shown."""
    return definition.kind in _TYPE_KINDS


def render_with(definition: Definition, members: Sequence[Member]) -> str:
    """Return the definition's skeleton with its members."""
    shown = _shown(members) if has_members(definition) else []
    blocks = blocks_of(definition.language)
    if isinstance(blocks, IndentedBlocks):
        return _render_indented(definition, shown)
    if isinstance(blocks, WordBlocks):
        return _render_words(definition, shown, blocks.end)
    return _render_braces(definition, shown, blocks.statement_end if blocks is not None else ";")


def _shown(members: Sequence[Member]) -> list[tuple[str, str]]:
    """Return kind and signature of the members that are shown."""
    visible = [each for each in members if not (each.signature[:1] in "#@pf" and _PRIVATE.match(each.signature))]
    if len(visible) > _MAX_MEMBERS:  # what begins with an underscore is not for other files
        public = [each for each in visible if not each.name.startswith("_") or each.name == "__init__"]
        visible = public[:_MAX_MEMBERS]
    return [(each.kind, each.signature[:_MAX_MEMBER_CHARS]) for each in visible]


def _render_indented(definition: Definition, members: Sequence[tuple[str, str]]) -> str:
    head = definition.signature
    doc = f'    """{definition.doc}"""' if definition.doc else None
    if definition.kind in _CALLABLE_KINDS:
        lines = [f"{head}:", doc, "    ..."] if doc else [f"{head}: ..."]
    elif definition.kind in _TYPE_KINDS:
        body = [f"    {signature}{': ...' if kind in _CALLABLE_KINDS else ''}" for kind, signature in members]
        lines = [f"{head}:", *([doc] if doc else []), *(body or ["    ..."])]
    else:
        lines = [head]
    return "\n".join(lines) + "\n"


def _render_words(definition: Definition, members: Sequence[tuple[str, str]], end: str) -> str:
    lines = [f"{comment_prefix(definition.language)} {definition.doc}"] if definition.doc else []
    lines.append(definition.signature)
    if definition.kind in _TYPE_KINDS:
        lines += [*(f"  {signature}" for _, signature in members), end] if end else [each for _, each in members]
    return "\n".join(lines) + "\n"


def _render_braces(definition: Definition, members: Sequence[tuple[str, str]], statement_end: str) -> str:
    head = definition.signature.rstrip(" {;")
    lines = [f"{comment_prefix(definition.language)} {definition.doc}"] if definition.doc else []
    if definition.kind in _TYPE_KINDS:
        separator = "," if definition.kind == "enum" else statement_end
        body = [f"    {signature.rstrip(' {;,')}{separator}" for _, signature in members]
        lines += [f"{head} {{", *body, "}"]
    else:
        lines.append(f"{head}{statement_end}")
    return "\n".join(lines) + "\n"
