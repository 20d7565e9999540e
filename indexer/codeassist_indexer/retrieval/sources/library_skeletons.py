"""How a definition of an installed package is shown: less than one of the repository's, for types have many members.

A member is shown on its own below its type's head; of a type those members that the place may ask for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from codeassist_indexer.languages.forms.short_heads import shortened
from codeassist_indexer.languages.registry import blocks_of, comment_prefix
from codeassist_indexer.languages.spec import BracedBlocks
from codeassist_indexer.retrieval.query.cursor import has_word
from codeassist_indexer.retrieval.sources.definitions import has_members, render_with
from codeassist_indexer.retrieval.sources.retrieval_context import RetrievalContext
from codeassist_indexer.storage.symbol_reader import Definition, Member

_MOST_MEMBERS = 16
_MOST_MEMBER_CHARS = 130
_BEGUN = re.compile(r"\.\s*(\w*)$")
_KEPT_ARGUMENT = re.compile(r"(?:self|this)\.(\w+)\b(?:.* )?= \1$")
_MADE = frozenset({"__init__", "constructor"})


def library_skeleton(context: RetrievalContext, definition: Definition, members: Sequence[Member]) -> str:
    """Return the definition's skeleton in its language, ending with a newline."""
    if has_members(definition):
        shown = _asked_for(context, members)
        text = render_with(definition, [_short(each) for each in shown])
        others = _others(members, shown) if _BEGUN.search(context.around.line_head) else ""
        return f"{text}    {comment_prefix(definition.language)} and {others}\n" if others else text
    text = render_with(definition, ())
    owner = definition.qualified_name.rpartition(".")[0]
    if not owner:
        return text
    lines = "".join(f"    {line}\n" for line in text.splitlines())
    if isinstance(blocks_of(definition.language), BracedBlocks):
        return f"class {owner} {{\n{lines}}}\n"
    return f"class {owner}:\n{lines}"


def without_overloads(definitions: Iterable[Definition]) -> Iterator[Definition]:
    """Yield of several definitions of one name in one file the one that is the function itself, in their order.

    That is the last one of a source file, and of a stub, where all are overloads, the first.
    """
    by_name: dict[tuple[str, str], list[Definition]] = {}
    for each in definitions:
        by_name.setdefault((each.path, each.qualified_name), []).append(each)
    for (path, _), same in by_name.items():
        yield same[0] if path.endswith((".pyi", ".d.ts")) else same[-1]


def _others(members: Sequence[Member], shown: Sequence[Member]) -> str:
    """Return the names of the members that are not shown: one of them may be what comes."""
    known = {each.name for each in shown}
    return ", ".join(list(dict.fromkeys(m.name for m in members if m.name not in known and m.name[:1] != "_"))[:80])


def _short(member: Member) -> Member:
    return member._replace(signature=shortened(member.signature, _MOST_MEMBER_CHARS))


def _asked_for(context: RetrievalContext, members: Sequence[Member]) -> list[Member]:
    """Return the members that a place may ask for, in their order: what makes one, what is named, what may come."""
    offered = {each.name: each for each in members if not each.name.startswith("_") or each.name in _MADE}
    # What is only kept of what it was made with says nothing new.
    listed = [each for each in offered.values() if not _KEPT_ARGUMENT.match(each.signature)]
    if len(listed) <= _MOST_MEMBERS:
        return listed
    begun = _BEGUN.search(context.around.line_head)
    first = [each for each in listed if each.name in _MADE]
    first += [each for each in listed if begun is not None and begun[1] and each.name.startswith(begun[1])]
    first += [each for each in listed if each.name in context.distances]
    first += [each for each in listed if has_word(context.text, each.name)]
    chosen = list(dict.fromkeys(each.start_byte for each in (*first, *listed)))[:_MOST_MEMBERS]
    return [each for each in listed if each.start_byte in chosen]
