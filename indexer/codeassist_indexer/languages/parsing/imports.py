"""The imports of one file: which names it takes from where, one record a name.

Names are as written. What nobody writes (a name of ten thousand parts) is none: looking up each takes time.
"""

from __future__ import annotations

from itertools import islice

from tree_sitter import Node

from codeassist_indexer.languages.forms.import_form import ImportForm
from codeassist_indexer.languages.forms.parsed import Import
from codeassist_indexer.languages.registry import LANGUAGES

MOST_IMPORTS = 1_000
"""Of one file, the first ones."""
_MOST_NAME_CHARS = 400


def import_patterns(language: str) -> str:
    """The query text whose captures `read_imports` takes: capture `i2` is row 2 of the language's table."""
    return "\n".join(f"{form.pattern} @i{row}" for row, form in enumerate(_forms(language)))


def read_imports(language: str, captures: dict[str, list[Node]], source: bytes) -> tuple[Import, ...]:
    """At most MOST_IMPORTS, in the order of the lines. `captures` are of a query with `import_patterns(language)`."""
    forms = _forms(language)
    nodes = [(node.start_byte, row, node) for row in range(len(forms)) for node in captures.get(f"i{row}", ())]
    nodes.sort(key=lambda item: item[:2])
    records = (record for _, row, node in nodes for record in forms[row].read(node, source))
    return tuple(islice(filter(_is_name, records), MOST_IMPORTS))


def _is_name(record: Import) -> bool:
    return max(len(record.module), len(record.name), len(record.alias)) <= _MOST_NAME_CHARS


def _forms(language: str) -> tuple[ImportForm, ...]:
    imports = LANGUAGES[language].imports
    return imports.forms if imports is not None else ()
