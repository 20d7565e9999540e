"""A request taken apart once for all that looks at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from codeassist.edits.edit_request import EditRequest
from codeassist_indexer.edit_sites.definitions import DefinitionReader, FileDefinitions
from codeassist_indexer.edit_sites.features import features
from codeassist_indexer.edit_sites.line_table import LineTable, read_lines
from codeassist_indexer.edit_sites.past_changes import PastChanges, past_changes
from codeassist_indexer.edit_sites.second_look import Lines


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A request taken apart: its edits, its lines, what they stand in, and their features."""

    past: PastChanges
    table: LineTable
    definitions: Mapping[str, FileDefinitions]
    lines: Lines


def read_request(request: EditRequest, reader: DefinitionReader, should_stop: Callable[[], bool]) -> ReadRequest | None:
    """Take a request apart; None where nothing was changed, or no file has a line.

    Without time, lines are looked at without syntax. What `should_stop` raises, where nobody waits, ends it.
    """
    past = past_changes(request)
    if past is None:
        return None
    table = read_lines(request.files, [line for change in request.history for line in (*change.old, *change.new)])
    if not len(table):
        return None
    should_stop()
    definitions = reader.read(request.files, should_stop)
    should_stop()
    rows = features(table, past, definitions)
    return ReadRequest(past, table, definitions, Lines(np.arange(len(table)), table.file_of, table.line_in_file, rows))
