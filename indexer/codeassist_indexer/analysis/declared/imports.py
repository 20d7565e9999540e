"""What can be imported at a place: from a package or type of Java, from a module of TypeScript or JavaScript.

A package of which it holds no file itself may be anybody's, and a script outside is unknown.
"""

from __future__ import annotations

import re

from codeassist_indexer.analysis.declared.declared_project import DeclaredProject, is_script
from codeassist_indexer.analysis.declared.members import members_of
from codeassist_indexer.analysis.declared.types import DeclaredFile, TypeRef
from codeassist_indexer.languages.forms.words import words

_JAVA = re.compile(r"import\s+(?P<static>static\s+)?(?P<path>(?:\w+\.)+)\Z")
# The rest of the same import: names up to its brace. Other statements may follow where it has not been written yet.
_FROM = re.compile(r"(?P<rest>[\w$\s,]*)\}\s*from\s*(['\"])(?P<module>[^'\"\n]+)\2")
_SPECIFIER = re.compile(r"\s*(?:type\s+)?(?P<name>[\w$]+)(?:\s+as\s+[\w$]+)?\s*\Z")
_OTHER_STATEMENTS = words("import export from const let var function class interface enum return declare if for")


def importable_names(project: DeclaredProject, language: str, path: str, before: str, suffix: str) -> frozenset[str]:
    """Return the names, or none where that is not known."""
    if language == "java":
        return _java(project, path, before)
    return _script(project, language, path, before, suffix) if is_script(language) else frozenset()


def _java(project: DeclaredProject, path: str, before: str) -> frozenset[str]:
    found = _JAVA.search(before[-400:])
    if found is None:
        return frozenset()
    package = found["path"].rstrip(".")
    here = DeclaredFile(path, "java", (), (), (), {})
    parts = project.named(TypeRef(package), here, 0) if "." in package else []
    if parts:
        members = members_of(project, parts, here)
        if members is None:
            return frozenset()
        wanted = {name for name, owned in members.by_name.items() if any(each.member.is_static for each in owned)}
        nested = {name for name, owned in members.by_name.items() if any(each.member.kind == "type" for each in owned)}
        return frozenset(nested | ((wanted | members.extra) if found["static"] else set()))
    if "." not in package:  # `java.`: a folder of that name is a source root sooner than a package
        return frozenset()
    return project.package_names(package, path)


def _script(project: DeclaredProject, language: str, path: str, before: str, suffix: str) -> frozenset[str]:
    found = _FROM.match(suffix)
    if found is None or _OTHER_STATEMENTS & set(found["rest"].split()):
        return frozenset()
    here = DeclaredFile(path, language, (), (), (), {})
    target = project.module_path(here, found["module"])
    names = project.exported_names(target) if target is not None else None
    if not names or _imported(before.rpartition("{")[2], found["rest"]) - names:
        return frozenset()  # what the import names beside is a witness
    return frozenset(names | {"type"})


def _imported(above: str, below: str) -> set[str]:
    """The names that an import has before and after the place."""
    specifiers = [*above.split(",")[:-1], *below.split(",")[1:]]
    matches = (_SPECIFIER.match(specifier) for specifier in specifiers)
    return {match["name"] for match in matches if match is not None}
