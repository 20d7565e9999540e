"""Fetches a model from the Hugging Face hub, and checks what came against the hub's own hashes.

huggingface_hub moves the bytes: it resumes, and honours HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE, proxies and
certificates.
"""

from __future__ import annotations

import errno
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codeassist.errors import ModelError
from codeassist.models.checksums import git_blob_id, sha256_of
from codeassist.models.sources import OWN_FILE, HubSource, require_space, wanted_of_hub
from codeassist.progress import Progress


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file as the hub lists it: large ones have a SHA-256, small ones git's blob id."""

    name: str
    size: int
    sha256: str | None
    blob_id: str | None


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of one commit."""

    commit: str
    files: tuple[HubFile, ...]


def fetch_hub(source: HubSource, into: Path, progress: Progress) -> list[Path]:
    """Put the model's files into the folder `into`; what a call before this one left there is not fetched again.

    Raises ModelError; a file whose hash is wrong is removed, whole and partial ones stay for the next try.
    """
    listing = list_files(source)
    where = f"hub {source.repo}"
    chosen = set(wanted_of_hub([file.name for file in listing.files], source.file, where))
    files = [file for file in listing.files if file.name in chosen]
    missing = [file for file in files if not _is_complete(file, into / file.name)]
    require_space(into, sum(_missing_bytes(file, into) for file in missing))
    paths: list[Path] = []
    for file in files:
        path = into / file.name
        if file in missing:
            download(source.repo, listing.commit, file, into, progress)
        _verify(file, path, where, progress)
        paths.append(path)
    return paths


def is_hub_reachable(timeout_s: float = 3.0) -> bool:
    """Ask the hub for one small answer."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HTTPError  # pyright: ignore[reportPrivateImportUsage]  # of httpx or httpx2

    try:
        HfApi(endpoint=_endpoint()).model_info("Qwen/Qwen2.5-Coder-0.5B", timeout=timeout_s)
    except (OSError, HTTPError, ValueError):
        return False
    return True


def list_files(source: HubSource) -> Listing:
    """Ask the hub for the files of one commit, with sizes and hashes."""
    from huggingface_hub import HfApi

    with _explained(source.repo):
        info = HfApi(endpoint=_endpoint()).model_info(
            source.repo, revision=source.revision, files_metadata=True, timeout=20
        )
    if info.sha is None:
        raise ModelError(f"hub {source.repo}: the hub names no commit; try again later")
    files = tuple(
        HubFile(item.rfilename, item.size or 0, item.lfs.sha256 if item.lfs else None, item.blob_id)
        for item in info.siblings or ()
    )
    return Listing(info.sha, files)


def download(repo: str, commit: str, file: HubFile, into: Path, progress: Progress) -> None:
    """Fetch one file, going on where an interrupted call stopped.

    hf_hub_download keeps nothing of an interrupted file since huggingface_hub 2; 15 GB are worth a part file of ours.
    """
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get  # pyright: ignore[reportUnknownVariableType]
    from huggingface_hub.utils import build_hf_headers  # pyright: ignore[reportUnknownVariableType]

    part = _part(file, into)
    with _explained(repo), part.open("ab") as out:
        http_get(
            hf_hub_url(repo, file.name, revision=commit, endpoint=_endpoint()),
            out,
            resume_size=out.tell(),
            headers={**build_hf_headers(), "accept-encoding": "identity"},
            expected_size=file.size,
            displayed_filename=file.name,
            tqdm_class=_reporting_bar(file, progress),
        )
    part.replace(into / file.name)


def _endpoint() -> str:
    from huggingface_hub import constants

    return constants.ENDPOINT


def _part(file: HubFile, into: Path) -> Path:
    """Return where the file's beginning stands; named by its content, so that no other version is ever continued."""
    return into / f".{file.name}.{(file.sha256 or file.blob_id or 'unknown')[:16]}.part"


def _missing_bytes(file: HubFile, into: Path) -> int:
    part = _part(file, into)
    return file.size - (part.stat().st_size if part.is_file() else 0)


def _is_complete(file: HubFile, path: Path) -> bool:
    return path.is_file() and path.stat().st_size == file.size


def _verify(file: HubFile, path: Path, where: str, progress: Progress) -> None:
    if file.sha256 is not None:
        matches = sha256_of(path, progress) == file.sha256
    else:
        matches = file.blob_id is None or git_blob_id(path) == file.blob_id
    if not matches:
        path.unlink()
        raise ModelError(f"{where}: {file.name} is not what the hub lists (hash differs); it was removed, pull again")


@contextmanager
def _explained(repo: str) -> Generator[None]:
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        raise ModelError(
            f"hub {repo}: its licence must be accepted first; do so on its page, then `hf auth login`"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise ModelError(
            f"hub {repo}: no such repository, or a private one; check the name, or `hf auth login`"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ModelError(f"hub {repo}: no such revision; correct it or leave it out") from error
    except (OSError, errors.HTTPError) as error:  # pyright: ignore[reportPrivateImportUsage]
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
            raise ModelError(f"hub {repo}: the files could not be written ({error})") from error
        raise ModelError(
            f"hub {repo}: cannot be reached ({_first_line(error)}); check network, proxy and certificates, then pull "
            f"again: it goes on where it stopped; {OWN_FILE}"
        ) from error


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _reporting_bar(file: HubFile, progress: Progress) -> Any:
    """Return a tqdm class that draws nothing and reports what it is told."""
    from tqdm import tqdm

    class Bar(tqdm):  # pyright: ignore[reportMissingTypeArgument]  # generic in its stubs only
        def __init__(self, *arguments: Any, **options: Any) -> None:
            self.num_done = int(options.get("initial") or 0)
            options["disable"] = True
            super().__init__(*arguments, **options)  # pyright: ignore[reportUnknownMemberType]

        def update(self, n: float | None = 1) -> bool | None:
            self.num_done += int(n or 0)
            progress(f"download {file.name}", min(self.num_done, file.size), file.size)
            return None

    return Bar
