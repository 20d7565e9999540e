"""Sites that need no learning: uses that an edit left behind, and errors that speak of what was changed."""

from __future__ import annotations

from collections.abc import Mapping

from codeassist.edits.edit_request import EditRequest
from codeassist.edits.proposals.replacement import NAME
from codeassist_indexer.edit_sites.definitions import FileDefinitions
from codeassist_indexer.edit_sites.line_table import LineTable
from codeassist_indexer.edit_sites.missing_imports import missing_imports
from codeassist_indexer.edit_sites.outdated_uses import outdated_uses
from codeassist_indexer.edit_sites.past_changes import PastChanges
from codeassist_indexer.edit_sites.reasons import Why
from codeassist_indexer.languages.parsing.parse import code_lines

CERTAIN = 0.9
"""The least score of such a site."""
_MOST_MESSAGE_CHARS = 80
_PARSE_S = 0.05


def certain_rows(
    request: EditRequest, table: LineTable, past: PastChanges, definitions: Mapping[str, FileDefinitions]
) -> dict[int, Why]:
    """Return the rows of such sites, each with why."""
    outdated = outdated_uses(table, past, definitions)
    found = {
        row: Why("name", f"still says `{name}`, which has another name now")
        for row, name in outdated.names.items()
        if _is_code(request, table, row, name)
    }
    found |= {
        row: Why("use", f"calls `{name}`, whose parameters changed")
        for row, name in outdated.calls.items()
        if _is_code(request, table, row, name)
    }
    for missing in missing_imports(request):
        row = table.row(missing.path, missing.at - 1)
        if row is not None:
            found.setdefault(row, Why("import", f"`{missing.name}` is used here and not imported", puts_in=True))
    changed = past.gone.keys() | past.came.keys()
    for diagnostic in request.diagnostics:
        row = table.row(diagnostic.path, diagnostic.line)
        if row is not None and changed & {*NAME.findall(diagnostic.message), *NAME.findall(table.lines[row])}:
            found.setdefault(row, Why("diagnostic", diagnostic.message[:_MOST_MESSAGE_CHARS]))
    return found


def _is_code(request: EditRequest, table: LineTable, row: int, name: str) -> bool:
    """Whether a name that a row holds is code there, not a word in a comment or string; as far as anybody can say."""
    path = table.paths[int(table.file_of[row])]
    lines = code_lines(path, request.files[path], name, _PARSE_S)
    return lines is None or int(table.line_in_file[row]) in lines
