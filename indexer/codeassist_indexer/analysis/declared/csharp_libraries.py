"""Which libraries that a C# file uses may add extension methods to any object.

Those of the base library and of the common frameworks extend types of their own: sequences, tasks, services.
"""

from __future__ import annotations

from codeassist_indexer.analysis.declared.declared_project import DeclaredProject
from codeassist_indexer.analysis.declared.types import DeclaredFile
from codeassist_indexer.languages.forms.words import words

_OWN_TYPES_ONLY = words(
    """System Microsoft Windows Xunit NUnit Moq BenchmarkDotNet Newtonsoft Google Amazon Azure Unity UnityEngine
    UnityEditor Internal"""
)


def library_doubt(project: DeclaredProject, file: DeclaredFile) -> str:
    """Return why any object in the file may have extension methods that nobody here knows; "" where it has none."""
    namespaces = {imported.module for imported in file.imports if imported.name == "*"} | set(project.global_usings())
    for namespace in sorted(namespaces):
        own = (namespace, namespace.rpartition(".")[0])  # the second, of a class: `using static`
        if namespace.partition(".")[0] not in _OWN_TYPES_ONLY and not any(map(project.is_namespace, own)):
            return f"extension methods of {namespace}"
    return ""
