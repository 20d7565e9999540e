"""How a definition of an installed package is shown: less than one of the repository's, for types have many members.

A member is shown on its own below its type's head; of a type those members that the place may ask for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from codeassist_indexer.languages.forms.short_heads import shortened
from codeassist_indexer.languages.registry import blocks_of, comment_prefix, imports_of_language
from codeassist_indexer.languages.spec import BracedBlocks
from codeassist_indexer.retrieval.query.cursor import has_word
from codeassist_indexer.retrieval.sources.definitions import has_members, render_with
from codeassist_indexer.retrieval.sources.retrieval_context import RetrievalContext
from codeassist_indexer.storage.symbol_reader import Definition, Member

_MOST_MEMBERS = 16
_MOST_NAMED = 8
_MOST_NAMES = 150  # of a type with more, a list that is cut would speak for the wrong ones
_MOST_MEMBER_CHARS = 130
_CALLED = re.compile(r"([^\W\d]\w*)\s*\((?:[^()]|\([^()]*\))*$")
_BEGUN = re.compile(r"\.\s*(\w*)$")
_KEPT_ARGUMENT = re.compile(r"(?:self|this)\.(\w+)\b(?:.* )?= \1$")
_MADE = frozenset({"__init__", "constructor"})


def library_skeleton(context: RetrievalContext, definition: Definition, members: Sequence[Member]) -> str:
    """Return the definition's skeleton in its language, ending with a newline."""
    if has_members(definition):
        return _type_skeleton(context, definition, members)
    text = render_with(definition, ())
    owner = definition.qualified_name.rpartition(".")[0]
    imports = imports_of_language(definition.language)
    rules = None if imports is None else imports.libraries
    if not owner or definition.kind == "function" or rules is None or not rules.owner:
        return text
    head = rules.owner.format(owner)
    lines = "".join(f"    {line}\n" for line in text.splitlines())
    if isinstance(blocks_of(definition.language), BracedBlocks):
        return f"{head} {{\n{lines}}}\n"
    return f"{head}:\n{lines}"


def without_overloads(definitions: Iterable[Definition]) -> Iterator[Definition]:
    """Yield of several definitions of one name in one file the one that is the function itself, in their order.

    That is the last one of a source file, and of a stub, where all are overloads, the first.
    """
    by_name: dict[tuple[str, str], list[Definition]] = {}
    for each in definitions:
        by_name.setdefault((each.path, each.qualified_name), []).append(each)
    for (path, _), same in by_name.items():
        yield same[0] if path.endswith((".pyi", ".d.ts")) else same[-1]


def _type_skeleton(context: RetrievalContext, definition: Definition, members: Sequence[Member]) -> str:
    """Return what a place asks of a type: what makes one, where it is called; all names, where one of them comes."""
    called = _CALLED.search(context.around.line_head)
    if called is not None and called[1] == definition.name:
        making = [each for each in members if each.name in _MADE]
        if making:
            return render_with(definition, making)
    names = context.offered.get(definition.symbol_id)
    if names is None:
        return render_with(definition, [_short(each) for each in _asked_for(context, members, _MOST_MEMBERS)])
    shown = _asked_for(context, members, _MOST_NAMED)
    shown = [each for each in shown if each.name in context.distances or len(members) <= _MOST_NAMED]
    text = render_with(definition, [_short(each) for each in shown])
    if len(names) > _MOST_NAMES:
        return text
    begun = _BEGUN.search(context.around.line_head)
    first = [name for name in names if begun is not None and name.startswith(begun[1])]
    listed = ", ".join(first or names)
    return f"{text}{comment_prefix(definition.language)} {definition.name} has {listed}\n"


def _short(member: Member) -> Member:
    return member._replace(signature=shortened(member.signature, _MOST_MEMBER_CHARS))


def _asked_for(context: RetrievalContext, members: Sequence[Member], most: int) -> list[Member]:
    """Return the members that a place may ask for, in their order: what makes one, what is named, what may come."""
    offered = {each.name: each for each in members if not each.name.startswith("_") or each.name in _MADE}
    # What is only kept of what it was made with says nothing new.
    listed = [each for each in offered.values() if not _KEPT_ARGUMENT.match(each.signature)]
    if len(listed) <= most:
        return listed
    begun = _BEGUN.search(context.around.line_head)
    first = [each for each in listed if each.name in _MADE]
    first += [each for each in listed if begun is not None and begun[1] and each.name.startswith(begun[1])]
    first += [each for each in listed if each.name in context.distances]
    first += [each for each in listed if has_word(context.text, each.name)]
    chosen = list(dict.fromkeys(each.start_byte for each in (*first, *listed)))[:most]
    return [each for each in listed if each.start_byte in chosen]
