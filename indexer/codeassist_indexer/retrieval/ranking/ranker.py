"""The ranker: a small network that says what each candidate would do to the likelihood of what comes.

`selection` chooses by it. The network needs numpy only, its file is safetensors with metadata.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from codeassist.errors import CodeAssistError
from codeassist.request import CompletionRequest, Snippet
from codeassist_indexer.languages.registry import language_of
from codeassist_indexer.retrieval.ranking.features import NAMES, features
from codeassist_indexer.retrieval.ranking.selection import HEADER_CHARS, LABELS, Chosen, Judgement, Rules, select
from codeassist_indexer.retrieval.sources.candidate import Candidate
from codeassist_indexer.retrieval.vectors.encoder import Encoder

log = logging.getLogger(__name__)

FORMAT = "codeassist-ranker"
VERSION = 1
SHIPPED = Path(__file__).parent / "ranker.safetensors"
_MOST = 6.0  # standard deviations from the mean that a feature counts for: a rare one must not outweigh all others


class RankerRefused(CodeAssistError):  # noqa: N818 — what happened to the file
    """A ranker's file that is broken, of another version, or made for other features."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Ranker:
    """A network with two hidden layers, F features wide, H and then H' wide inside; all float32.

    mean, scale: [F], of the features it was trained on. hidden: weights [F, H], [H, H'], [H', 4] and biases [H], [H'],
    [4]; of the four outputs the first is asinh of the gain, the others are the labels' logits. metadata: what it was
    trained on, for people.
    """

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    weights: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
    biases: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
    metadata: Mapping[str, str]

    @property
    def stop_gain(self) -> float | None:
        """The gain, in nats, below which nothing is worth its place, as training found it; None: not said."""
        said = self.metadata.get("stop_gain")
        return None if said is None else float(said)

    def judge(self, rows: NDArray[np.float32]) -> Judgement:
        """Judge candidates by their features, float32 [n, F]."""
        hidden = standardised(rows, self.mean, self.scale)
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            hidden = np.maximum(hidden @ weight + bias, 0.0)
        out = hidden @ self.weights[-1] + self.biases[-1]
        logits = out[:, 1:] - out[:, 1:].max(axis=1, keepdims=True)
        shares = np.exp(logits)
        return Judgement(np.sinh(np.clip(out[:, 0], -_MOST, _MOST)), shares / shares.sum(axis=1, keepdims=True))

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        tensors = {"mean": self.mean, "scale": self.scale}
        for number, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            tensors |= {f"weight{number}": weight, f"bias{number}": bias}
        # One value: the library writes several in an order that differs from run to run.
        about = json.dumps({**self.metadata, "format": FORMAT, "version": VERSION, "features": NAMES}, sort_keys=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        save_file({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}, part, {"ranker": about})
        part.replace(path)


def standardised(
    rows: NDArray[np.float32], mean: NDArray[np.float32], scale: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return features as the network takes them: around 0, of about the same width, none far out."""
    return np.clip((rows - mean) * scale, -_MOST, _MOST)


def load_ranker(path: Path = SHIPPED) -> Ranker:
    """Read a ranker. Raises RankerRefused for a file that is missing, broken, or made by or for another version."""
    again = "make it again with `codeassist tune`, or delete it to use the one that came with codeassist"
    try:
        with safe_open(path, framework="numpy") as file:
            metadata: dict[str, Any] = json.loads((file.metadata() or {}).get("ranker", "{}"))
            tensors: dict[str, NDArray[np.float32]] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError) as error:
        raise RankerRefused(f"{path}: no ranker can be read ({error}); {again}") from error
    if metadata.get("format") != FORMAT:
        raise RankerRefused(f"{path}: this is no ranker's file; {again}")
    if metadata.get("version") != VERSION or metadata.get("features") != list(NAMES):
        raise RankerRefused(f"{path}: a ranker of another version of codeassist; {again}")
    try:
        ranker = Ranker(
            tensors["mean"],
            tensors["scale"],
            (tensors["weight0"], tensors["weight1"], tensors["weight2"]),
            (tensors["bias0"], tensors["bias1"], tensors["bias2"]),
            {name: str(value) for name, value in metadata.items() if name not in ("format", "version", "features")},
        )
        judgement = ranker.judge(np.zeros((1, len(NAMES)), dtype=np.float32))
        _ = ranker.stop_gain
    except (KeyError, ValueError) as error:
        raise RankerRefused(f"{path}: a ranker's file without {error}; {again}") from error
    if judgement.probabilities.shape != (1, len(LABELS)) or not np.isfinite(judgement.gains).all():
        raise RankerRefused(f"{path}: a ranker that gives no judgement; {again}")
    return ranker


def tuned_path(data: Path, database: Path) -> Path:
    """Return where the ranker stands that was tuned for the repository with this index: with the user's data."""
    return data / "rankers" / f"{database.parent.name}.safetensors"


def ranker_in_force(data: Path, database: Path) -> Ranker | None:
    """Return the ranker for the repository with this index: its own, else the shipped one; None if neither can be read.

    What is refused is logged, with what to do about it.
    """
    for path in (tuned_path(data, database), SHIPPED):
        if path.exists():
            try:
                return load_ranker(path)
            except RankerRefused as error:
                log.warning("%s", error)
    return None


def rules_of(ranker: Ranker) -> Rules:
    """Return the rules that a ranker was trained for, as its file says."""
    return Rules() if ranker.stop_gain is None else Rules(ranker.stop_gain)


class Chooser:
    """Chooses snippets for requests. What stands in a document's last prompt already is worth more.

    `rules` None: as the ranker's file says. Of an encoder that the ranker was not trained with, similarities mean
    nothing to it: it then does without. Safe to call from several threads.
    """

    def __init__(
        self,
        ranker: Ranker,
        encoder: Encoder | None = None,
        rules: Rules | None = None,
    ) -> None:
        self.ranker = ranker
        fits = encoder is not None and encoder.identity == ranker.metadata.get("encoder")
        self._encoder = encoder if fits else None
        self._rules = rules or rules_of(ranker)

    @property
    def encoder(self) -> Encoder | None:
        """The encoder whose similarities the ranker sees."""
        return self._encoder

    def choose(self, request: CompletionRequest, candidates: Sequence[Candidate], max_chars: int) -> list[Chosen]:
        """Return what is worth its place in `max_chars` characters, the best first; maybe nothing.

        What of the repository is chosen does not depend on installed packages: they have the room that it leaves, and
        stand behind it.
        """
        own = [each for each in candidates if each.snippet.library is None]
        chosen = self._chosen(request, own, own, max_chars)
        if len(own) == len(candidates):
            return chosen
        left = max_chars - sum(len(each.snippet.text) + HEADER_CHARS for each in chosen)
        if left <= HEADER_CHARS:
            return chosen
        of_packages = [each for each in candidates if each.snippet.library is not None]
        return chosen + self._chosen(request, candidates, of_packages, left)

    def _chosen(
        self, request: CompletionRequest, among: Sequence[Candidate], wanted: Sequence[Candidate], max_chars: int
    ) -> list[Chosen]:
        """Return what is chosen of those `wanted`, judged `among` all that it is compared with."""
        if not wanted:
            return []
        alike = None if self._encoder is None else similarities(self._encoder, request, among)
        judgement = self.ranker.judge(features(among, request, alike))
        if len(wanted) < len(among):
            numbers = [number for number, each in enumerate(among) if any(each is one for one in wanted)]
            judgement = Judgement(judgement.gains[numbers], judgement.probabilities[numbers])
        return select(wanted, judgement, max_chars, self._rules, request.standing)


def similarities(encoder: Encoder, request: CompletionRequest, candidates: Sequence[Candidate]) -> NDArray[np.float32]:
    """Return how well each candidate's text fits the request's surroundings: float32 [n], in [-1, 1]."""
    texts = [candidate.snippet.text for candidate in candidates]
    languages = [language_of(candidate.snippet.path) or "" for candidate in candidates]
    return encoder.similarities(encoder.query(request), texts, languages)


def explained(chosen: Chosen) -> Snippet:
    """Return the snippet with what is expected of it as its score and in its reason."""
    snippet = chosen.snippet
    return replace(snippet, score=chosen.gain, reason=f"{snippet.reason} (expected gain {chosen.gain:+.1f})")
