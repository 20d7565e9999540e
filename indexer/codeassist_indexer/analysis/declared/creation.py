"""Which classes can stand after `new` where the type that is wanted is one of the repository's.

A declaration, a return. An argument's type depends on overloads.
"""

from __future__ import annotations

import re

from codeassist_indexer.analysis.declared.declared_project import DeclaredProject
from codeassist_indexer.analysis.declared.half_written import HalfWritten
from codeassist_indexer.analysis.declared.inference import Inference, Known
from codeassist_indexer.analysis.declared.syntax import type_ref
from codeassist_indexer.analysis.declared.types import ARRAY, TypeRef

_DECLARED = re.compile(
    r"(?:^|[;{}\n])\s*(?:(?:public|private|protected|internal|static|final|readonly|volatile|override)\s+)*"
    r"(?P<type>[A-Z][\w.]*)(?:<[\w\s.,?<>\[\]]*>)?\??\s+\w+\s*=\s*new\s+\Z"
)
_RETURNED = re.compile(r"(?:^|[;{}\n])\s*return\s+new\s+\Z")
_METHODS = frozenset({"method_declaration", "local_function_statement"})
_NOT_METHODS = frozenset({"lambda_expression", "anonymous_method_expression", "constructor_declaration"})
_MAX_TYPES = 400
_CONVERTED = re.compile(r"\bimplicit\s+operator\b")


def creatable_names(project: DeclaredProject, inference: Inference, half: HalfWritten) -> frozenset[str]:
    """Return the first parts of the class names that are likely there; none where any class could.

    They are the wanted type, those that extend it, and those with a method that returns it: builders and factories.
    """
    wanted = _wanted_type(half)
    if wanted is None or wanted.name == ARRAY or inference.file.language not in ("java", "csharp"):
        return frozenset()
    known = inference.resolve(wanted, inference.file, inference.offset)
    if not isinstance(known, Known) or not known.parts or any(part.is_open for part in known.parts):
        return frozenset()
    if inference.file.language == "csharp" and _CONVERTED.search(half.text):
        return frozenset()
    language = inference.file.language
    names = {made.partition(".")[0] for made in project.makers(known.parts[0].name, language)}
    pending = [(known.parts[0].name, known.parts[0].qualified_name.rpartition(".")[0])]
    seen: set[str] = set()
    while pending:
        name, parent = pending.pop()
        names |= {name, parent.partition(".")[0]} - {""}
        if name in seen:
            continue
        seen.add(name)
        if len(seen) > _MAX_TYPES:
            return frozenset()
        pending += [(own, outer) for own, outer, _ in project.subtypes(name, language)]
    return frozenset(names)


def _wanted_type(half: HalfWritten) -> TypeRef | None:
    before = half.text.encode("utf-8", "surrogatepass")[: half.offset].decode("utf-8", "replace")[-600:]
    declared = _DECLARED.search(before)
    if declared is not None:
        return TypeRef(declared["type"])
    if not _RETURNED.search(before):
        return None
    node = half.placeholder
    while node is not None and node.type not in _METHODS:
        if node.type in _NOT_METHODS:
            return None
        node = node.parent
    if node is None:
        return None
    ref = type_ref(node.child_by_field_name("type") or node.child_by_field_name("returns"))
    return TypeRef(ref.name) if ref is not None and ref.name[:1].isupper() and ref.name not in ("Task",) else None
