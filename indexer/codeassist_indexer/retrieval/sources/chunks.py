"""Chunks as candidates: by rare words, by vectors, by calls, of recent places, and of files that belong together.

Belong together: test and tested file, classes with the same supertype, files of one folder. Such a file stands for
itself with the chunks that fit the cursor's lines best. What two paths alone say of two files stands below: how far
apart they are, and whether one is the other's test.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain

from codeassist_indexer.languages.registry import FOLDER_MODULES
from codeassist_indexer.retrieval.query.cursor import IDENTIFIER, CursorQuery, calls, has_word
from codeassist_indexer.retrieval.sources.candidate import Hit
from codeassist_indexer.retrieval.sources.retrieval_context import RetrievalContext
from codeassist_indexer.storage.chunk_reader import (
    bm25_score,
    chunks_at,
    chunks_with,
    files_below,
    files_of_modules,
    files_of_modules_between,
    first_named_chunks,
    outside,
    stored_files,
)
from codeassist_indexer.storage.lexical import identifier_tokens
from codeassist_indexer.storage.symbol_reader import chunk_of_member, types_in_chunks

_MAX_CHUNKS = 32
_CHUNKS_OF_PLACE = 3
_NUM_RANKED = 40  # of these the text is read, for BM25 as it should be
_CONSTRUCTORS = frozenset({"__init__", "__new__", "constructor"})
_MAX_CALLS_READ = 40
_MAX_CALLERS = 10
_MAX_NAME_POSTINGS = 3_000
_TEST_FOLDERS = frozenset({"test", "tests", "__tests__", "spec", "specs", "testing", "unittests"})
_WORD_BEFORE = re.compile(r"^(?:test|tests|spec)[_-](?=.)", re.IGNORECASE)
_WORD_AFTER = re.compile(r"(?<=.)[._-](?:test|tests|spec|unittest|unittests)$", re.IGNORECASE)
_CAMEL_AFTER = re.compile(r"(?<=[a-z0-9])(?:Test|Tests|TestCase|Spec|IT|ITCase)$")
_CAMEL_BEFORE = re.compile(r"^Test(?=[A-Z])")
_AFFIXES = (_WORD_BEFORE, _WORD_AFTER, _CAMEL_AFTER, _CAMEL_BEFORE)
_KEPT = 1 << 14  # one repository's paths, mostly: each is asked about at every keystroke
_MAX_STEM_FILES = 6
_CHUNKS_OF_TEST = 3
_MAX_FOLDER_FILES = 32
_MAX_RELATED = 200
_MAX_CLASSES = 12
_MAX_BASE_CHUNKS = 120
_MAX_BASES = 4
_MAX_BASE_POSTINGS = 3_000
_TEST_FORMS = (
    "test_{}", "{}_test", "{}_tests", "{}_spec", "{}_unittest", "{}Test", "{}Tests", "{}TestCase", "{}Spec", "{}IT",
    "Test{}",
)  # fmt: skip


def bm25(context: RetrievalContext) -> Iterator[Hit]:
    """Yield the chunks that fit the lines around the cursor best."""
    postings = context.postings
    chunks = context.chunks(postings.best(_NUM_RANKED))
    terms = postings.terms_of(chunks)
    scores = {chunk_id: bm25_score(terms[chunk_id], chunk.text) for chunk_id, chunk in chunks.items()}
    spelling = spelling_near(context.around)
    for chunk_id in sorted(scores, key=lambda chunk_id: (-scores[chunk_id], chunk_id))[:_MAX_CHUNKS]:
        words = [spelling.get(term, term) for term, _ in terms[chunk_id]]
        shared = ", ".join(list(dict.fromkeys(words))[:3])
        yield Hit("lines", chunk_id, scores[chunk_id], f"shares {shared} with the lines around the cursor")


def callers(context: RetrievalContext) -> Iterator[Hit]:
    """Yield chunks of other files that call the function around the cursor, those that fit its lines best first."""
    name = context.enclosing.function
    if name in _CONSTRUCTORS:
        name = context.enclosing.type
    if name is None:
        return
    tokens = identifier_tokens(name)
    if not tokens or context.collection.num_chunks_with(tokens[0]) > _MAX_NAME_POSTINGS:
        return
    postings = context.postings
    holding = outside(chunks_with(context.store, tokens[0]), context.own_chunks)
    num_found = 0
    for chunk_id, chunk in context.chunks(postings.rarest(holding, _MAX_CALLS_READ)).items():
        if calls(chunk.text, name):
            yield Hit("lines", chunk_id, postings.rarity(chunk_id), f"calls {name}")
            num_found += 1
            if num_found == _MAX_CALLERS:
                return


def learned(context: RetrievalContext) -> Iterator[Hit]:
    """Yield the chunks whose vectors are nearest to what stands around the cursor."""
    search = context.search
    if search is None:
        return
    may_wait = context.deadline.after_ms is None
    for chunk_id, similarity in search.nearest(context.request, may_wait, context.own_file_id):
        yield Hit("lines", chunk_id, similarity, f"is like what helped at such places ({similarity:.2f})")


def recent(context: RetrievalContext) -> Iterator[Hit]:
    """Yield the chunks that the recent places lie in, the newest first.

    What is not in the index (ignored files, secrets, what lies outside of the repository) is never found, whatever was
    noted.
    """
    if not context.recent:
        return
    places = [(place.path, place.start_line, place.end_line) for place in context.recent]
    num_found: Counter[int] = Counter()
    for number, chunk_id in chunks_at(context.store, places):
        num_found[number] += 1
        if num_found[number] <= _CHUNKS_OF_PLACE:
            yield Hit("lines", chunk_id, 1 / (1 + number), "edited or opened lately")


def tests(context: RetrievalContext) -> Iterator[Hit]:
    """Yield chunks of the files that test the request's, that it tests, or that share its name."""
    path = context.request.path
    stem = stem_of(path).partition(".")[0]
    plain = (tested_stem(stem_of(path)) or stem).partition(".")[0].lstrip("_")
    forms = {form.format(name) for form in _TEST_FORMS for name in {plain, plain[:1].upper() + plain[1:]}}
    names = sorted({stem, plain, f"_{plain}"} | forms)
    # Another `utils.py` elsewhere is no relation: either one is a test, or they differ in kind as `a.h` and `a.c` do.
    related = {
        found
        for found in files_of_modules(context.store, names, path, _MAX_RELATED)
        if plain_stem(found) == plain_stem(path)
        and (is_test(found) != is_test(path) or found.rpartition(".")[2] != path.rpartition(".")[2])
    }
    if not related and plain:  # test_store_locks.py tests store.py
        related = _by_longer_name(context, plain, is_test(path))
    nearest = sorted(related, key=lambda found: (is_test(found) == is_test(path), folder_distance(path, found), found))
    for chunk_id, found in _best_chunks(context, nearest[:_MAX_STEM_FILES], _CHUNKS_OF_TEST):
        if is_test(found) and not is_test(path):
            reason = "tests this file"
        elif is_test(path) and not is_test(found):
            reason = "is tested by this file"
        else:
            reason = "has this file's name"
        yield Hit("lines", chunk_id, context.postings.rarity(chunk_id), reason)


def same_base(context: RetrievalContext) -> Iterator[Hit]:
    """Yield classes that extend what the class around the cursor extends: where they define its function, or begin."""
    method = context.enclosing.function or ""
    num_found = 0
    for base in context.enclosing.bases[:_MAX_BASES]:
        if context.deadline.cuts_short():
            return
        tokens = identifier_tokens(base)
        if not tokens or context.collection.num_chunks_with(tokens[0]) > _MAX_BASE_POSTINGS:
            continue
        rarity = context.postings.rarity
        holding = context.postings.rarest(chunks_with(context.store, tokens[0]), _MAX_BASE_CHUNKS)
        for chunk_id in _classes_extending(context, base, holding, method):
            yield Hit("lines", chunk_id, rarity(chunk_id), f"extends {base} too")
            num_found += 1
            if num_found == _MAX_CLASSES:
                return


def folder(context: RetrievalContext) -> Iterator[Hit]:
    """Yield a chunk of each file of the same folder, then of files further off, the best fitting first."""
    path = context.request.path
    rarity = context.postings.rarity
    steps = list(_files_around(context))
    chunk_by_path = {found: chunk for chunk, found in _best_chunks(context, list(chain.from_iterable(steps)), 1)}
    for files in steps:
        best = [(found, chunk_by_path[found]) for found in files if found in chunk_by_path]
        best.sort(key=lambda each: (folder_distance(path, each[0]), -rarity(each[1]), each[0]))
        for found, chunk_id in best:
            distance = folder_distance(path, found)
            reason = "in the same folder" if distance == 0 else f"{distance} folders away"
            yield Hit("lines", chunk_id, rarity(chunk_id), reason)


def _files_around(context: RetrievalContext) -> Iterator[list[str]]:
    """Yield the files in and below the request's folder, then those that each folder around it adds."""
    base = folder_of(context.request.path)
    seen = {context.request.path}
    num_left = _MAX_FOLDER_FILES
    while num_left > 0 and not context.deadline.cuts_short():
        files = [found for found in files_below(context.store, base, num_left + len(seen)) if found not in seen]
        seen.update(files)
        yield files[:num_left]
        num_left -= len(files)
        if not base:
            return
        base = folder_of(base)


def _best_chunks(context: RetrievalContext, paths: Sequence[str], num_each: int) -> list[tuple[int, str]]:
    """Return the chunks of each file that fit the cursor's lines best, with the path; files in the given order.

    Where none shares a word it is the one with the first definition.
    """
    if not paths:
        return []
    # A file's chunks have consecutive numbers: those that share a word are found without reading any.
    files = stored_files(context.store, paths)
    best_between = context.postings.best_between
    fitting = {place: best_between(file.chunks, num_each) for place, file in files.items()}
    others = {files[place].file_id: place for place in fitting if not fitting[place]}
    for file_id, first_named in first_named_chunks(context.store, list(others)).items():
        place = others[file_id]
        fitting[place] = [first_named if first_named is not None else files[place].chunks.start]
    return [(chunk_id, paths[place]) for place in sorted(fitting) for chunk_id in fitting[place]]


def _by_longer_name(context: RetrievalContext, plain: str, is_test_itself: bool) -> set[str]:
    """Return the tested files whose name begins a test's, or the tests whose name goes on after a tested file's."""
    if is_test_itself:
        parts = plain.split("_")
        shorter = ["_".join(parts[:end]) for end in range(len(parts) - 1, 0, -1)]
        for name in shorter:
            found = {
                path
                for path in files_of_modules(context.store, [name], context.request.path, _MAX_RELATED)
                if not is_test(path)
            }
            if found:
                return found
        return set()
    after, before = f"test_{plain}_", f"test_{plain}`"  # the character after "_"
    longer = files_of_modules_between(context.store, after, before, _MAX_RELATED)
    return {path for path in longer if is_test(path)}


def _classes_extending(context: RetrievalContext, base: str, chunk_ids: Sequence[int], method: str) -> list[int]:
    """Return chunks of other files with classes whose supertypes name `base`, each class once."""
    if not chunk_ids:
        return []
    places = {chunk_id: place for place, chunk_id in enumerate(chunk_ids)}
    rows = types_in_chunks(context.store, chunk_ids)
    classes = [row for row in rows if has_word(row[2], base) and row[3] not in context.own_chunks]
    classes.sort(key=lambda row: places[row[3]])
    found: dict[int, None] = {}
    for file_id, qualified_name, _, chunk_id in classes[:_MAX_CLASSES]:
        of_method = chunk_of_member(context.store, file_id, qualified_name, method) if method else None
        found.setdefault(of_method or chunk_id)
    return list(found)


def folder_of(path: str) -> str:
    """Return the folder that a file lies in, "" for the root."""
    return path.rpartition("/")[0]


def folder_distance(one: str, other: str) -> int:
    """Return how many steps up and down lead from the folder of one file to that of the other."""
    return _steps(one.rpartition("/")[0], other.rpartition("/")[0])


@lru_cache(_KEPT)
def _steps(one: str, other: str) -> int:
    if one == other:
        return 0
    first, second = one.split("/") if one else [], other.split("/") if other else []
    num_shared = 0
    for mine, theirs in zip(first, second, strict=False):
        if mine != theirs:
            break
        num_shared += 1
    return len(first) + len(second) - 2 * num_shared


@lru_cache(_KEPT)
def stem_of(path: str) -> str:
    """Return a file's name without its extension, as it is written; of a folder's own module, the folder's name."""
    name = path.rpartition("/")[2]
    stem = name.rpartition(".")[0] or name
    return _of_folder(path, stem) if stem in FOLDER_MODULES else stem


@lru_cache(_KEPT)
def tested_stem(stem: str) -> str | None:
    """Return what a test's stem says it tests (`test_a`, `a_test`, `ATest`, `a.spec`), None if it is no test's."""
    for affix in _AFFIXES:
        rest, num_found = affix.subn("", stem)
        if num_found:
            return rest
    return None


@lru_cache(_KEPT)
def is_test(path: str) -> bool:
    """Say whether a file belongs to the tests, by its name or by a folder."""
    return tested_stem(stem_of(path)) is not None or not _TEST_FOLDERS.isdisjoint(folder_of(path).lower().split("/"))


@lru_cache(_KEPT)
def plain_stem(path: str) -> str:
    """Return the stem in lower case without test affixes and leading underscores: equal for what belongs together."""
    stem = tested_stem(stem_of(path)) or stem_of(path)
    return (_of_folder(path, stem) if stem in FOLDER_MODULES else stem).lstrip("_").lower()


def is_test_of(test: str, tested: str) -> bool:
    """Say whether `test` is the test of `tested` by their names."""
    return is_test(test) and not is_test(tested) and plain_stem(test) == plain_stem(tested)


def _of_folder(path: str, stem: str) -> str:
    return folder_of(path).rpartition("/")[2] or stem


def spelling_near(around: CursorQuery) -> dict[str, str]:
    """Return how each term is written near the cursor; a part of a name is explained by the whole name."""
    spelling: dict[str, str] = {}
    for line in around.by_distance:
        for name in IDENTIFIER.findall(line):
            for token in identifier_tokens(name):
                spelling.setdefault(token, name)
    return spelling
