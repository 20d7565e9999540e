"""Files prepared in this process: what a worker's parser finds, without a worker."""

from __future__ import annotations

from codeassist_indexer.ingest.parser_main import parse_text
from codeassist_indexer.ingest.prepare import prepared, unsaved_file
from codeassist_indexer.storage.file_records import PreparedFile


def prepare_unsaved(path: str, text: str) -> PreparedFile:
    """Prepare a document's text."""
    return prepared(unsaved_file(path, text), parse_text(path, text))
