"""Many files made ready for the index, in order: read here, parsed in worker processes."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from codeassist_indexer.ingest.parsers import PARSERS
from codeassist_indexer.ingest.prepare import GoneFile, UnparsedFile, prepared, read_from_disk
from codeassist_indexer.ingest.walk import FoundFile
from codeassist_indexer.storage.file_records import FileState, PreparedFile, SameContent

# A second worker takes about 0.3 s to start (2 cores), as long as parsing 100 files here.
MIN_FILES_FOR_WORKERS = 300

Outcome = PreparedFile | SameContent | GoneFile


@dataclass(frozen=True, slots=True)
class PrepareJob:
    """A file to prepare and what the index knows of it, if anything."""

    found: FoundFile
    known: FileState | None


def prepare_all(
    root: Path, jobs: Sequence[PrepareJob], num_workers: int, in_background: bool = False
) -> Generator[Outcome, None, None]:
    """Yield one outcome a job, in the jobs' order. Closing the generator stops the work.

    `in_background` gives the workers the least share of the cores. Raises CodeAssistError where none can be started.
    """
    read: deque[UnparsedFile | Outcome] = deque()  # in order; what is unparsed waits for its parser

    def texts() -> Iterator[tuple[str, str]]:
        for job in jobs:
            file = read_from_disk(root, job.found, job.known)
            read.append(file)
            if isinstance(file, UnparsedFile):
                yield file.path, file.text

    workers = num_workers if len(jobs) >= MIN_FILES_FOR_WORKERS else 1
    with closing(PARSERS.parse_all(texts(), workers, in_background)) as parsed:
        for found in parsed:
            while not isinstance(file := read.popleft(), UnparsedFile):
                yield file
            yield prepared(file, found)
    for file in read:
        assert not isinstance(file, UnparsedFile)
        yield file
