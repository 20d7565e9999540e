"""A loaded model as proposals and the gate use it: prompts made of tokens, on one live cache for the next edit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from codeassist.completion.pipeline import never
from codeassist.tokenization.tokens import Tokenizer

if TYPE_CHECKING:
    from torch import Tensor

    from codeassist.completion.session import Session
    from codeassist.engine.decoding.decode import Decoded
    from codeassist.engine.engine import Engine
    from codeassist.engine.generation import Generation
    from codeassist.engine.prompt_cache import PromptCache

KIND = "edit"


@dataclass(slots=True)
class EditModel:
    """The engine, tokenizer and live cache that the next edit of one workspace is found with.

    One cache for all its documents: the last edits, which stand first in every prompt, are read once, and what stands
    around a place is read when it is asked about. On the thread that owns the engine.
    """

    engine: Engine
    tokenizer: Tokenizer
    cache: PromptCache
    name: str = ""
    _encoded: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    _watcher: Callable[[Generation], None] | None = None

    @staticmethod
    def of(session: Session, cache: PromptCache | None = None) -> EditModel:
        """Return the session's model, on a live cache of its own unless one is given."""
        return EditModel(session.engine, session.tokenizer, cache or session.engine.open(KIND), session.model_name)

    @property
    def context_tokens(self) -> int:
        """How long a prompt and its answer may be."""
        return self.engine.max_tokens

    @property
    def stop_ids(self) -> frozenset[int]:
        """What ends every answer: all special tokens, for none is text."""
        return self.tokenizer.eos_ids | frozenset(self.tokenizer.special.values())

    def encode(self, text: str) -> list[int]:
        """Return a text's tokens, never a special one. Lines are asked for again and again: they are kept."""
        if len(text) > _KEPT_CHARS:
            return self.tokenizer.encode(text)
        known = self._encoded.get(text)
        if known is None:
            if len(self._encoded) >= _MOST_KEPT:
                self._encoded.clear()
            known = self._encoded[text] = self.tokenizer.encode(text)
        return known

    def logprobs(
        self, prompt: Sequence[int], continuation: Sequence[int], should_stop: Callable[[], bool] = never
    ) -> Tensor:
        """See `Engine.logprobs`: (1 + T, V)."""
        return self.engine.logprobs(self.cache, prompt, continuation, refresh=(_end_of(prompt),), stopped=should_stop)

    def generate(
        self,
        prompt: Sequence[int],
        max_new_tokens: int,
        original: Sequence[int],
        accept: Callable[[int, float], bool],
        should_stop: Callable[[], bool] = never,
    ) -> Decoded:
        """Go on with a prompt, greedily, until a special token or until `accept` refuses a token.

        `original`: what the answer is probably a changed copy of.
        """
        from codeassist.engine.decoding.decode import DecodeParams

        params = DecodeParams(max_new_tokens, self.stop_ids)
        generation = self.engine.generate(
            self.cache,
            prompt,
            params,
            refresh=(_end_of(prompt),),
            original=original,
            accept=accept,
            stopped=should_stop,
        )
        if self._watcher is not None:
            self._watcher(generation)
        return generation.decoded

    def watch(self, watcher: Callable[[Generation], None]) -> None:
        """Have every answer from now on told to `watcher`: what it took, what was drafted."""
        self._watcher = watcher

    def close(self) -> None:
        """Free the states. On the thread that owns the engine."""
        self.engine.forget(self.cache)


_MOST_KEPT, _KEPT_CHARS = 4096, 512
_EXACT_TOKENS = 160  # the place and the lines around it: what an answer follows from is exact


def _end_of(prompt: Sequence[int]) -> range:
    return range(max(0, len(prompt) - _EXACT_TOKENS), len(prompt))
