"""Definitions as candidates: what the file imports, what is named near the cursor, and what these speak of.

Shown as skeletons, a few lines each: the head, the documentation's first line, and of a type the members' signatures.
How an import leads to a definition is imported.py's.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

from codeassist_indexer.languages.registry import blocks_of, comment_prefix
from codeassist_indexer.languages.spec import BracedBlocks, IndentedBlocks
from codeassist_indexer.retrieval.sources.candidate import Hit
from codeassist_indexer.retrieval.sources.chunks import folder_of, stem_of
from codeassist_indexer.retrieval.sources.imported import FAR, Wanted, find_wanted, wanted_imports
from codeassist_indexer.retrieval.sources.retrieval_context import RetrievalContext
from codeassist_indexer.storage.lexical import keywords_of
from codeassist_indexer.storage.store import Store
from codeassist_indexer.storage.symbol_reader import (
    Definition,
    Member,
    names_of_files,
    read_members,
    symbols_in_folder,
    symbols_named,
)

# A name with more definitions says nothing of which one is meant, and those that it would find are seldom right.
MAX_SAME_NAME = 8
_MIN_NAME_CHARS = 3
_MAX_NAMES = 60
_TYPE_NAME = re.compile(r"\b[^\W\da-z_]\w{2,}")  # of at least _MIN_NAME_CHARS
_MAX_SPEAKING = 10  # definitions whose signatures are read for what they speak of
_MAX_SPOKEN_NAMES = 40
_MAX_SPOKEN_SAME_NAME = 3
_MAX_OF_MODULE = 12
_BEFORE_DOT = re.compile(r"([^\W\d]\w*)\s*(?:\.|->|::)\s*(\w*)$")
_MAX_IN_FOLDER = 30
_BASE_DISTANCE = 5  # the supertypes of the class around the cursor count as if named so far away
_TYPE_KINDS = frozenset({"class", "interface", "enum", "struct", "trait"})
_CALLABLE_KINDS = frozenset({"function", "method", "constructor"})
# What the language itself keeps from other files; a Python underscore is only a wish, and subclasses use it.
_PRIVATE = re.compile(r"(?:@\w+\s+)*(?:file)?private\b(?!\s+protected|\(set\))|#")
_MAX_MEMBERS = 30
_MAX_MEMBER_CHARS = 200


def imported(context: RetrievalContext) -> Iterator[Hit]:
    """Yield the definitions of what the file imports, those used near the cursor first.

    After the dot of a module these are what the module defines and hands on.
    """
    wanted = [*_of_module_before_dot(context)]
    wanted += wanted_imports(context.request, context.imports, context.distances)
    for found in find_wanted(context.store, context.paths, context.request.path, wanted):
        definition, distance = found.definition, found.distance
        context.keep((definition,))
        near = distance if distance < FAR else None
        reason = f"defines {definition.name}, {found.origin}"
        yield Hit("skeleton", definition.symbol_id, 1 / (2 + distance), reason, near)
        if context.deadline.cuts_short():
            return


def _of_module_before_dot(context: RetrievalContext) -> Iterator[Wanted]:
    """Yield what can stand at the cursor if it stands after the dot of an imported module."""
    before_dot = _BEFORE_DOT.search(context.around.line_head)
    if before_dot is None:
        return
    module, begun = before_dot[1], before_dot[2]
    for each in context.imports:
        imported, paths = each.imported, each.paths
        if imported.name not in ("", "*"):  # a submodule, if one of the files is it; else a name that a module defines
            paths = tuple(path for path in paths if stem_of(path) == imported.name)
        if not paths or module not in (imported.alias, imported.name, imported.module.rpartition(".")[2]):
            continue
        names = names_of_files(context.store, paths)
        names = [name for name in names if name.startswith(begun) and (begun or not name.startswith("_"))]
        for name in list(dict.fromkeys(names))[:_MAX_OF_MODULE]:
            yield Wanted(name, paths, 0, f"of {module}, imported in line {imported.line}")


def named(context: RetrievalContext) -> Iterator[Hit]:
    """Yield definitions anywhere in the repository of names near the cursor, imported or not, if they have few.

    Of a member it is the type that it belongs to. Of a name with many definitions it is those of the same folder.
    """
    distances = dict(context.distances)
    for name in context.enclosing.bases:
        distances[name] = min(distances.get(name, _BASE_DISTANCE), _BASE_DISTANCE)
    keywords = keywords_of(context.language)
    wanted = [name for name in distances if len(name) >= _MIN_NAME_CHARS and name not in keywords]
    wanted = sorted(wanted, key=distances.__getitem__)[:_MAX_NAMES]
    found = symbols_named(context.store, wanted, MAX_SAME_NAME, context.own_file_id)
    known = {each.name for each in found}
    unknown, folder = [name for name in wanted if name not in known], folder_of(context.request.path)
    found += symbols_in_folder(context.store, unknown, folder, _MAX_IN_FOLDER, context.own_file_id)
    num_by_name = Counter(each.name for each in found)
    hits: list[Hit] = []
    for each in found:
        distance = distances[each.name]
        what = f"{each.owner}.{each.name}" if each.owner else each.name
        score = 1 / (2 + distance) / num_by_name[each.name]
        hits.append(Hit("skeleton", each.symbol_id, score, f"defines {what}, {_where(distance)}", distance))
    hits.sort(key=lambda hit: (-hit.score, hit.number))
    yield from hits


def mentioned(context: RetrievalContext, speaking: Sequence[Hit]) -> Iterator[Hit]:
    """Yield definitions of types that the definitions found so far speak of: what their members give and take."""
    ranks = {hit.number: rank for rank, hit in enumerate(speaking[:_MAX_SPEAKING])}
    definitions = context.definitions(sorted(ranks, key=ranks.__getitem__))
    members = context.members(definition.symbol_id for definition in definitions)
    speakers: dict[str, tuple[int, str]] = {}
    for definition in definitions:
        said = [each.signature for each in members[definition.symbol_id]]
        starts = [each.start_byte for each in members[definition.symbol_id]]
        said.insert(bisect_left(starts, definition.start_byte), definition.signature)
        for name in _TYPE_NAME.findall("\n".join(said)):
            if name[0].isupper() and name != definition.name:
                speakers.setdefault(name, (ranks[definition.symbol_id], definition.name))
    names = list(speakers)[:_MAX_SPOKEN_NAMES]
    places = {name: place for place, name in enumerate(names)}
    found = symbols_named(context.store, names, _MAX_SPOKEN_SAME_NAME, context.own_file_id)
    for each in sorted(found, key=lambda each: (places[each.name], each.symbol_id)):
        rank, speaker = speakers[each.name]
        reason = f"defines {each.name}, which {speaker} speaks of"
        yield Hit("skeleton", each.symbol_id, 1 / (1 + rank), reason, context.distances.get(each.name))


def _where(distance: int) -> str:
    if distance < 0:
        return "the type of what stands before the dot"
    return "named in the cursor's line" if distance == 0 else f"named {distance} lines from the cursor"


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
    if isinstance(blocks, BracedBlocks):
        return _render_braces(definition, shown, blocks.statement_end)
    return _render_words(definition, shown, blocks.end if blocks is not None else "")


def may_be_used(member: Member) -> bool:
    """Say whether a language lets other files use a member."""
    return not (member.signature[:1] in "#@pf" and _PRIVATE.match(member.signature))


def _shown(members: Sequence[Member]) -> list[tuple[str, str]]:
    """Return kind and signature of the members that are shown."""
    visible = [each for each in members if may_be_used(each)]
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
