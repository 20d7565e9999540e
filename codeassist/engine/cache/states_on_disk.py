"""States of prompts, kept on the disk: a file that was worked on yesterday is read back, not computed again.

One file a prompt, in a folder of one model: tokens, and states in eight bits. A document has a few, one for each place
in it where somebody wrote. What is read back is approximate, as what is placed from elsewhere is; healing corrects it.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import secrets
import zlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save

from codeassist.engine.cache.quantized_states import GROUP_SLOTS, QuantizedStates
from codeassist.engine.cache.reuse import align
from codeassist.engine.configuration.model_config import ModelConfig
from codeassist.engine.layers.attention import States

log = logging.getLogger(__name__)

_FORMAT = "1"
_SUFFIX = ".states"
_MOST_PLACES = 6  # of one document
_MOST_RECENT = 4  # that another document's prompt is looked up in
_SAME_PLACE = 0.75  # of the older prompt's tokens stand in the newer one, too
_TOKENS, _CHECKSUM = "tokens", "checksum"
_TENSORS = tuple(each.name for each in fields(QuantizedStates))


@dataclass(frozen=True, slots=True, eq=False)
class PromptOnDisk:
    """A prompt whose states are, or are about to be, in the file `path`."""

    store: StatesOnDisk
    path: Path
    tokens: list[int]

    def read(self, runs: Sequence[range]) -> list[States] | None:
        """Return the states of runs of its slots; None where the file is gone or damaged: it is then forgotten."""
        whole = self.store.read(self)
        return None if whole is None else [whole.states(run.start, run.stop) for run in runs]


class StatesOnDisk:
    """The kept prompts of one model's documents, in `folder`.

    `max_bytes` bounds all files of the folder above it, other models' included: the least recently used go first.
    A disk that will not do ends the keeping with a line in the log; completing goes on. Not thread-safe; files are
    written on a thread of its own, and several processes may share the folder.
    """

    def __init__(self, folder: Path, config: ModelConfig, max_bytes: int) -> None:
        self.num_read = 0
        self.num_written = 0
        self._folder = folder
        self._max_bytes = max_bytes
        self._shape = (config.num_layers, config.num_kv_heads, config.head_dim)
        self._known: dict[str, list[PromptOnDisk]] = {}
        self._unwritten: dict[Path, QuantizedStates] = {}
        self._recent: list[PromptOnDisk] | None = None  # of any document, the last kept first
        self._is_broken = False
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="states")

    def prompts_of(self, name: str) -> list[PromptOnDisk]:
        """A document's prompts, the last kept first."""
        if self._is_broken:
            return []
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = self._found(self._folder.glob(f"{_key(name)}-*{_SUFFIX}"))
        return known

    def recent_prompts(self) -> list[PromptOnDisk]:
        """The prompts that were used last, of any document: snippets of other files stand in several."""
        if self._is_broken:
            return []
        if self._recent is None:
            self._recent = self._found(self._folder.glob(f"*{_SUFFIX}"), _MOST_RECENT)
        return self._recent

    def read(self, prompt: PromptOnDisk) -> QuantizedStates | None:
        """A prompt's states; None where the file is gone or damaged, which is then not asked for again."""
        unwritten = self._unwritten.get(prompt.path)
        if unwritten is not None:
            return unwritten
        try:
            tensors = load(prompt.path.read_bytes())
            read = QuantizedStates(*(tensors[name] for name in _TENSORS))
            if int(tensors[_CHECKSUM]) != _checksum(read) or not self._fits(read, len(prompt.tokens)):
                raise ValueError("it does not hold what was written")
            os.utime(prompt.path)
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            if not isinstance(error, FileNotFoundError | NotADirectoryError):
                self._drop(prompt.path, error)
            for known in (*self._known.values(), self.recent_prompts()):
                if prompt in known:
                    known.remove(prompt)
            return None
        self.num_read += 1
        return read

    def keep(self, name: str, tokens: Sequence[int], states: QuantizedStates) -> None:
        """Have a document's prompt written, in the place of those that it holds most of."""
        if self._is_broken:
            return
        kept, known = list(tokens), self.prompts_of(name)
        path = self._folder / f"{_key(name)}-{secrets.token_hex(6)}{_SUFFIX}"
        gone = [each for each in known if _is_within(each.tokens, kept)]
        stay = [each for each in known if each not in gone]
        gone += stay[_MOST_PLACES - 1 :]
        self._known[name] = [PromptOnDisk(self, path, kept), *stay[: _MOST_PLACES - 1]]
        recent = [each for each in self.recent_prompts() if each not in gone]
        self._recent = [self._known[name][0], *recent[: _MOST_RECENT - 1]]
        self._unwritten[path] = states
        self._writer.submit(self._write, path, kept, states, [each.path for each in gone])

    def close(self) -> None:
        """Wait until everything is written."""
        self._writer.shutdown(wait=True)

    def _found(self, paths: Iterable[Path], most: int = _MOST_PLACES) -> list[PromptOnDisk]:
        """What some files hold, of those that were used last."""
        dated: list[tuple[float, Path]] = []
        for path in paths:
            with contextlib.suppress(FileNotFoundError):  # another process deleted it
                dated.append((path.stat().st_mtime, path))
        prompts: list[PromptOnDisk] = []
        for _, path in sorted(dated, reverse=True)[:most]:
            try:
                file: Any = safe_open(path, framework="pt")  # of which tokens alone are read
                tokens: list[int] = file.get_tensor(_TOKENS).tolist()
            except (OSError, SafetensorError) as error:
                self._drop(path, error)
                continue
            prompts.append(PromptOnDisk(self, path, tokens))
        return prompts

    def _drop(self, path: Path, error: Exception) -> None:
        log.warning("%s is dropped: %s", path, error)
        self._writer.submit(path.unlink, missing_ok=True)

    def _fits(self, read: QuantizedStates, num_slots: int) -> bool:
        num_layers, num_heads, head_dim = self._shape
        num_groups = -(-num_slots // GROUP_SLOTS)
        of_groups, of_slots = (num_layers, num_heads, num_groups), (num_layers, num_heads, num_slots)
        return (
            read.k.shape == (*of_groups, GROUP_SLOTS, head_dim)
            and read.k_low.shape == read.k_step.shape == (*of_groups, 1, head_dim)
            and read.v.shape == (*of_slots, head_dim)
            and read.v_low.shape == read.v_step.shape == (*of_slots, 1)
            and read.k.dtype == read.v.dtype == torch.uint8
        )

    def _write(self, path: Path, tokens: list[int], states: QuantizedStates, gone: Sequence[Path]) -> None:
        """On the writer's thread."""
        part = path.with_suffix(".part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            tensors = {name: getattr(states, name).contiguous() for name in _TENSORS}
            checksum = torch.tensor(_checksum(states))
            data = save({_TOKENS: torch.tensor(tokens), _CHECKSUM: checksum, **tensors})
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data)
            part.replace(path)
            for each in gone:
                each.unlink(missing_ok=True)
            self._bound()
        except OSError as error:
            self._is_broken = True
            log.warning("states are not kept on the disk any more: %s", error)
            part.unlink(missing_ok=True)
        else:
            self.num_written += 1
        finally:
            del self._unwritten[path]

    def _bound(self) -> None:
        """Delete the files that were used least recently where all together are too large."""
        dated: list[tuple[float, int, Path]] = []
        for path in self._folder.parent.glob("*/*"):
            try:
                stat = path.stat()
            except FileNotFoundError:  # another process deleted it
                continue
            dated.append((stat.st_mtime, stat.st_size, path))
        rest = sum(size for _, size, _ in dated) - self._max_bytes
        for _, size, path in sorted(dated):
            if rest <= 0:
                break
            path.unlink(missing_ok=True)
            rest -= size


def states_folder(cache: Path, model: str) -> Path:
    """Where the states of one model lie. `model` tells models and their conversions apart."""
    return cache / "states" / hashlib.blake2b(f"{_FORMAT}\n{model}".encode(), digest_size=8).hexdigest()


def _key(name: str) -> str:
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _is_within(older: list[int], newer: list[int]) -> bool:
    return sum(move.length for move in align(older, newer)) >= _SAME_PLACE * len(older)


def _checksum(states: QuantizedStates) -> int:
    checksum = 0
    for name in _TENSORS:
        tensor: torch.Tensor = getattr(states, name)
        checksum = zlib.crc32(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data, checksum)
    return checksum
