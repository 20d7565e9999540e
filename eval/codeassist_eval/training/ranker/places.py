"""Places to learn from without a model: cut from every file of repositories, with the candidates that are found there.

Half of them need a name of another file, half stand anywhere: a ranker must see where nothing helps, too. What is made
is kept in one file, so that the next training reads it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from codeassist.progress import Progress, silent
from codeassist.request import CompletionRequest
from codeassist_eval.contexts.index_context import IndexContexts
from codeassist_eval.tasks.cursors import Definitions, cross_file_cursors
from codeassist_eval.tasks.make import Candidate as Cut
from codeassist_eval.tasks.make import draw, is_wanted, parse_all, source_texts
from codeassist_eval.tasks.repositories import Repositories, repository_folders
from codeassist_eval.tasks.task import Task, in_prefix_order, language_of
from codeassist_eval.training.ranker.examples import Example, alike
from codeassist_eval.training.rewards.name_rewards import NUM_FACTS, name_facts
from codeassist_indexer.retrieval.ranking.features import NAMES, features
from codeassist_indexer.retrieval.sources.find import find_candidates
from codeassist_indexer.retrieval.sources.retrieval_context import Deadline
from codeassist_indexer.retrieval.vectors.encoder import Encoder

_LEAST_LINE_CHARS = 8


def cut_places(root: Path, repository: str, limit: int, seed: int) -> list[Task]:
    """Cut up to `limit` places from the repository at `root`, half of them where a name of another file is needed."""
    texts = source_texts(root)
    files = parse_all(texts)
    definitions = Definitions(files)
    wanted = {path: text for path, text in texts.items() if is_wanted(path, None) and path in files}
    cuts = [
        Cut(repository, path, cursor)
        for path, text in wanted.items()
        for cursor in cross_file_cursors(path, text, files[path], definitions)
    ]
    drawn = draw(cuts, limit - limit // 2, seed)
    places = [(cut.path, cut.cursor.prefix, cut.cursor.truth, cut.cursor.suffix) for cut in drawn]
    generator = random.Random(f"{seed} {repository}")
    places += [_anywhere(path, wanted[path], generator) for path in _drawn(sorted(wanted), limit // 2, generator)]
    tasks: list[Task] = []
    for path, prefix, truth, suffix in places:
        language = language_of(path)
        if language is not None and truth.strip():
            number = len(tasks)
            tasks.append(Task(f"{repository}/cut/{number}", repository, path, language, prefix, suffix, truth))
    return tasks


def guessed_examples(
    repositories: Repositories,
    contexts: IndexContexts,
    places_each: int,
    seed: int,
    encoders: Sequence[Encoder] = (),
    progress: Progress = silent,
    cache: Path | None = None,
) -> list[Example]:
    """Return an example, its rewards still 0, for each place cut from the repositories.

    What `cache` holds of the same work is not done again; a file of other work is replaced.
    """
    folders = repository_folders(repositories)
    identity = {
        "features": NAMES,
        "encoders": [encoder.identity for encoder in encoders],
        "seed": seed,
        "places": places_each,
        "repositories": [folder.name for folder in folders],
    }
    kept = None if cache is None else _read(cache, identity)
    if kept is not None:
        return kept
    examples: list[Example] = []
    for number, folder in enumerate(folders):
        progress("finding candidates", number, len(folders))
        examples += examples_of(cut_places(folder, folder.name, places_each, seed), contexts, encoders)
    progress("finding candidates", len(folders), len(folders))
    if cache is not None:
        _write(cache, identity, examples)
    return examples


def examples_of(
    tasks: Sequence[Task], contexts: IndexContexts, encoders: Sequence[Encoder] = (), progress: Progress = silent
) -> list[Example]:
    """Return an example, its rewards still 0, for each place that was cut."""
    examples: list[Example] = []
    for number, task in enumerate(in_prefix_order(tasks)):
        progress("finding candidates", number, len(tasks))
        examples.append(_example(task, contexts, encoders))
    progress("finding candidates", len(tasks), len(tasks))
    return examples


def _example(task: Task, contexts: IndexContexts, encoders: Sequence[Encoder]) -> Example:
    store = contexts.store(task)
    request = CompletionRequest(task.path, task.prefix, task.suffix)
    found = find_candidates(store, request, store.collection(), Deadline(None), search=contexts.search).candidates
    truth = task.groundtruth.lstrip().partition("\n")[0]
    return Example(
        task.repository,
        features(found, request),
        np.zeros(len(found), dtype=np.float32),
        name_facts(request, truth, found),
        alike(encoders, request, found),
    )


def _drawn(paths: Sequence[str], num: int, generator: random.Random) -> list[str]:
    return sorted(generator.choices(paths, k=num)) if paths else []


def _anywhere(path: str, text: str, generator: random.Random) -> tuple[str, str, str, str]:
    """Cut a line that says something: at its beginning or in its midst."""
    lines = text.splitlines(keepends=True)
    telling = [number for number, line in enumerate(lines) if len(line.strip()) >= _LEAST_LINE_CHARS]
    if not telling:
        return path, text, "", ""
    number = generator.choice(telling)
    line = lines[number]
    head = len(line) - len(line.lstrip())
    cut = generator.choice([head, generator.randrange(head, head + len(line.strip()) - 3)])
    truth = line[cut:].rstrip()
    after = line[cut + len(truth) :] + "".join(lines[number + 1 :])
    return path, "".join(lines[:number]) + line[:cut], truth, after


def _write(path: Path, identity: dict[str, Any], examples: Sequence[Example]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    num_encoders = len(identity["encoders"])
    tensors = {
        "rows": np.concatenate([np.zeros((0, len(NAMES)), np.float32), *(example.rows for example in examples)]),
        "names": np.concatenate([np.zeros((0, NUM_FACTS), np.float32), *(example.names for example in examples)]),
        "alike": np.concatenate(
            [np.zeros((num_encoders, 0), np.float32), *(example.alike for example in examples)], axis=1
        ),
        "sizes": np.array([len(example.rewards) for example in examples], dtype=np.int64),
    }
    about = {"identity": json.dumps(identity), "of": json.dumps([example.repository for example in examples])}
    part = path.with_name(f"{path.name}.part")
    save_file(tensors, part, about)
    part.replace(path)


def _read(path: Path, identity: dict[str, Any]) -> list[Example] | None:
    """Return what was made of the same repositories with the same features, None if it is not there."""
    try:
        with safe_open(path, framework="numpy") as file:
            about: dict[str, str] = file.metadata() or {}
            if about.get("identity") != json.dumps(identity):
                return None
            rows, names, found, sizes = (file.get_tensor(name) for name in ("rows", "names", "alike", "sizes"))
    except (OSError, SafetensorError):
        return None
    ends = np.cumsum(sizes)[:-1]
    parts = zip(
        json.loads(about["of"]), np.split(rows, ends), np.split(names, ends), np.split(found, ends, axis=1), strict=True
    )
    return [
        Example(repository, each, np.zeros(len(each), dtype=np.float32), of_names, of_encoders)
        for repository, each, of_names, of_encoders in parts
    ]
