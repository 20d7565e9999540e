"""RepoBench's tasks from the Hugging Face hub: parquet files of one setting, kept by commit.

`repobench` reads them. huggingface_hub moves the bytes; it honours HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE, proxies and
certificates. The package `datasets` is not needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from codeassist.models.checksums import sha256_of
from codeassist_eval.benchmarks.repobench import SETTINGS
from codeassist_eval.errors import EvaluationError

PREFIX = "hub:"
DATASETS: Mapping[str, str] = {
    "python": "tianyang/repobench_python_v1.1",
    "java": "tianyang/repobench_java_v1.1",
}

_NAME = re.compile(r"[\w][\w.-]*")
_COMMIT = ".commit"  # the last one that was fetched whole, for when the hub cannot be reached


@dataclass(frozen=True, slots=True)
class HubTasks:
    """One setting of one dataset, at a revision (a branch, tag or commit)."""

    repo: str
    setting: str
    revision: str = "main"


def parse_hub(text: str) -> HubTasks | None:
    """Read `hub:python/in_file`, `hub:OWNER/NAME/in_file`, either with `@REVISION`; None for what names no hub."""
    if not text.startswith(PREFIX):
        return None
    name, _, revision = text.removeprefix(PREFIX).partition("@")
    *dataset, setting = name.split("/")
    repo = DATASETS.get(dataset[0]) if len(dataset) == 1 else "/".join(dataset)
    if setting not in SETTINGS or repo is None or repo.count("/") != 1 or not all(map(_NAME.fullmatch, dataset)):
        raise EvaluationError(
            f"--tasks {text}: write hub:LANGUAGE/SETTING or hub:OWNER/NAME/SETTING, with a language of "
            f"{', '.join(DATASETS)} and a setting of {', '.join(SETTINGS)}"
        )
    if revision and not _NAME.fullmatch(revision):
        raise EvaluationError(f"--tasks {text}: '{revision}' is no revision")
    return HubTasks(repo, setting, revision or "main")


def fetch(tasks: HubTasks, cache: Path, endpoint: str | None = None) -> Path:
    """Return the folder with the setting's parquet files, fetching those that are missing.

    Raise `EvaluationError` if they are not there and cannot be fetched. Without the hub, what was fetched last is used.
    """
    from huggingface_hub import HfApi, hf_hub_download

    dataset = cache / tasks.repo.replace("/", "--")
    last = dataset / f"{tasks.setting}-{tasks.revision}{_COMMIT}"
    try:
        with _explained(tasks):
            info = HfApi(endpoint=endpoint).dataset_info(
                tasks.repo, revision=tasks.revision, files_metadata=True, timeout=20
            )
    except _UnreachableError as error:
        kept = dataset / last.read_text(encoding="ascii").strip() / tasks.setting if last.is_file() else None
        if kept is None or not kept.is_dir():
            raise EvaluationError(str(error)) from error
        return kept
    wanted = [
        file for file in info.siblings or () if re.fullmatch(rf"data/{tasks.setting}-[^/]*\.parquet", file.rfilename)
    ]
    if not wanted or info.sha is None:
        raise EvaluationError(
            f"hub dataset {tasks.repo}: has no data/{tasks.setting}-*.parquet at revision '{tasks.revision}'"
        )
    folder = dataset / info.sha / tasks.setting
    for file in wanted:
        path = folder / Path(file.rfilename).name
        if path.is_file():  # put there whole, and only after its hash was right
            continue
        arriving = folder.with_name(f"{tasks.setting}.arriving")
        with _explained(tasks):
            found = hf_hub_download(
                tasks.repo,
                file.rfilename,
                repo_type="dataset",
                revision=info.sha,
                local_dir=arriving,
                endpoint=endpoint,
            )
        _verify(tasks, Path(found), file.lfs.sha256 if file.lfs else None)
        folder.mkdir(parents=True, exist_ok=True)
        Path(found).replace(path)
    last.write_text(info.sha, encoding="ascii")
    return folder


def _verify(tasks: HubTasks, path: Path, sha256: str | None) -> None:
    if sha256 is not None and sha256_of(path) != sha256:
        path.unlink()
        raise EvaluationError(
            f"hub dataset {tasks.repo}: {path.name} is not what the hub lists; it was removed, try again"
        )


class _UnreachableError(EvaluationError):
    """The hub did not answer: what is on disk may still do."""


@contextmanager
def _explained(tasks: HubTasks) -> Iterator[None]:
    from huggingface_hub import errors

    where = f"hub dataset {tasks.repo}"
    try:
        yield
    except errors.GatedRepoError as error:
        raise EvaluationError(f"{where}: its licence must be accepted first; do so, then `hf auth login`") from error
    except errors.RepositoryNotFoundError as error:
        raise EvaluationError(
            f"{where}: no such dataset, or a private one; check the name, or `hf auth login`"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise EvaluationError(f"{where}: no revision '{tasks.revision}'; correct it or leave it out") from error
    except (OSError, errors.HTTPError) as error:  # pyright: ignore[reportPrivateImportUsage]
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise _UnreachableError(
            f"{where}: cannot be reached ({said}); check network and proxy, or fetch data/{tasks.setting}-*.parquet on "
            f"another machine and give the folder with --tasks"
        ) from error
