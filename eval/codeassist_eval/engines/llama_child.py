"""The other side of `llama_peer`: a program that runs llama.cpp for it, one JSON object a line in and out.

It is run by whatever Python has llama-cpp-python, and imports only that and numpy.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

# As a script, this file's folder comes first on the path, and modules there would hide others' of the same name.
if __name__ == "__main__" and not sys.flags.isolated:
    sys.path.pop(0)

BATCH_TOKENS = 1024  # llama.vim's README has llama-server take that many at once (-b); /infill cuts its prompt by it

MIN_SHIFTED_RUN = 64  # tokens; llama-server's --cache-reuse, whose own examples name 256: smaller reuses more


def common_prefix(cached: list[int], wanted: list[int]) -> int:
    """How many tokens both begin with."""
    for index, (old, new) in enumerate(zip(cached, wanted)):  # noqa: B905  # may run on an older Python
        if old != new:
            return index
    return min(len(cached), len(wanted))


def shifted_runs(cached: list[int], wanted: list[int], kept: int, min_run: int) -> list[tuple[int, int, int]]:
    """Runs (source, target, length) after the first `kept` tokens that move to the left, as llama-server finds them.

    Like llama-server's, the search goes forward in the cache only, so what an insertion pushed away is not found.
    """
    runs: list[tuple[int, int, int]] = []
    source = target = kept
    while source < len(cached) and target < len(wanted):
        length = common_prefix(cached[source:], wanted[target:]) if cached[source] == wanted[target] else 0
        if length >= min_run:
            runs.append((source, target, length))
            source += length
            target += length
        else:
            source += 1
    return runs


def infill_prompt(
    vocabulary: dict[str, int],
    encode: Callable[[str], list[int]],
    request: dict[str, Any],
    num_context: int,
) -> list[int]:
    """Lay a request to llama-server's /infill out as the server does (format_infill, November 2025).

    First the chunks of other places, each behind its file's name; then what stands before the cursor, the line up to it
    last, at most 3/4 of a batch, and what stands behind, at most 1/4. `vocabulary`: the model's ids of "rep", "sep",
    "pre", "suf" and "mid"; the first two may be missing.
    """
    extra: list[int] = []
    if "rep" in vocabulary:
        extra += [vocabulary["rep"], *encode("myproject\n")]
    for path, text in request["extra"]:
        head = [vocabulary["sep"], *encode(path + "\n")] if "sep" in vocabulary else encode("\n\n--- snippet ---\n\n")
        extra += [*head, *encode(text)]
    if "sep" in vocabulary:
        extra += [vocabulary["sep"], *encode("filename\n")]
    before, line, behind = (encode(request[part]) for part in ("prefix", "middle", "suffix"))
    quarter = BATCH_TOKENS // 4
    before = before[-3 * quarter :]
    behind = behind[: max(0, quarter - 2 - len(line))]
    room = max(0, num_context - BATCH_TOKENS - 2 * request["num_predict"])
    extra = extra[len(extra) - min(room, len(extra)) :]
    return [*extra, vocabulary["pre"], *before, *line, vocabulary["suf"], *behind, vocabulary["mid"]]


def kept_lines(text: str, num_indent: int) -> str | None:
    """The text up to its first line that is indented by less than `num_indent`, as llama-server cuts it; None: all."""
    at = text.find("\n") if num_indent > 0 else -1
    while at >= 0:
        behind = text[at + 1 :]
        line = behind.lstrip(" \t")
        if line and len(behind) - len(line) < num_indent:
            return text[: at + 1]
        at = text.find("\n", at + 1)
    return None


class Peer:
    """One loaded model and its context."""

    def __init__(self, path: str, num_context: int, num_threads: int) -> None:
        import llama_cpp  # pyright: ignore[reportMissingImports]  # of the other Python

        self.library = llama_cpp
        self.llama: Any = llama_cpp.Llama(
            path, n_ctx=num_context, n_threads=num_threads, n_threads_batch=num_threads, n_batch=512, verbose=False
        )
        self.num_context = num_context
        self.next_token = 0

    def prefill(self, ids: list[int]) -> dict[str, object]:
        """Evaluate a prompt with nothing kept."""
        self.llama.reset()
        return self._timed(lambda: self._evaluate(ids))

    def sync(self, ids: list[int]) -> dict[str, object]:
        """Evaluate a prompt, keeping the common prefix and shifting what moved to the left."""
        return self._timed(lambda: self._sync(ids))

    def decode(self, num_tokens: int) -> dict[str, object]:
        """Choose `num_tokens` greedily after the token that the prompt chose, then forget them."""
        base, first = self.llama.n_tokens, self.next_token
        tokens: list[int] = []

        def steps() -> int:
            for _ in range(num_tokens):
                self._evaluate([self.next_token])
                tokens.append(self.next_token)
            return num_tokens

        answer = self._timed(steps)
        self.llama.n_tokens, self.next_token = base, first
        return {**answer, "tokens": tokens}

    def write_with_lookup(self, ids: list[int]) -> dict[str, object]:
        """Write tokens as if the model had chosen them, with the binding's own drafts, copied from what stands there.

        Each pass evaluates the last token and its draft, and chooses after each of them, as decoding does.
        """
        from llama_cpp.llama_speculative import LlamaPromptLookupDecoding  # pyright: ignore[reportMissingImports]

        llama, lookup = self.llama, LlamaPromptLookupDecoding()
        base, first = llama.n_tokens, self.next_token

        def steps() -> int:
            written = 1
            while written < len(ids):
                start = llama.n_tokens
                llama.input_ids[start] = ids[written - 1]
                draft = [int(token) for token in lookup(llama.input_ids[: start + 1])[: len(ids) - written - 1]]
                self._choices([ids[written - 1], *draft])
                right = common_prefix(draft, ids[written:])
                llama.input_ids[start + 1 : start + 1 + right] = draft[:right]
                llama.n_tokens = start + 1 + right
                written += right + 1
            return len(ids) - 1

        answer = self._timed(steps)
        llama.n_tokens, self.next_token = base, first
        return answer

    def _choices(self, ids: list[int]) -> list[int]:
        """Evaluate tokens in one pass; return the greedy choice after each of them."""
        import numpy

        llama = self.llama
        llama._ctx.kv_cache_seq_rm(-1, llama.n_tokens, -1)
        llama._batch.set_batch(batch=ids, n_past=llama.n_tokens, logits_all=True)
        llama._ctx.decode(llama._batch)
        rows = [self.library.llama_get_logits_ith(llama._ctx.ctx, row) for row in range(len(ids))]
        return [int(numpy.ctypeslib.as_array(row, shape=(llama.n_vocab(),)).argmax()) for row in rows]

    def infill(self, **request: Any) -> dict[str, object]:
        """Answer as llama-server's /infill does a request of llama.vim's: its prompt, samplers and ends.

        An answer ends where the model ends it, at `num_predict` tokens, before a line that is indented by less than
        `num_indent`, and once it has a line end and has taken `max_predict_ms`.
        """
        started = time.perf_counter()
        prompt = infill_prompt(self._marks(), self._encode, request, self.num_context)
        num_encoded = self._sync(prompt)
        prompt_ms = (time.perf_counter() - started) * 1e3
        text, num_predicted = self._write(request, len(prompt))
        self.llama.n_tokens = len(prompt)
        return {
            "ms": (time.perf_counter() - started) * 1e3,
            "prompt_ms": prompt_ms,
            "content": text,
            "num_prompt": len(prompt),
            "num_encoded": num_encoded,
            "num_predicted": num_predicted,
        }

    def _write(self, request: dict[str, Any], num_prompt: int) -> tuple[str, int]:
        library, vocabulary = self.library, self._vocabulary()
        chain = library.llama_sampler_chain_init(library.llama_sampler_chain_default_params())
        samplers = (
            library.llama_sampler_init_top_k(40),
            library.llama_sampler_init_top_p(0.90, 1),
            library.llama_sampler_init_infill(vocabulary),
            library.llama_sampler_init_dist(request["seed"]),
        )
        for sampler in samplers:
            library.llama_sampler_chain_add(chain, sampler)
        written, began = b"", time.perf_counter()
        num_predicted = 0
        try:
            while num_predicted < request["num_predict"]:
                token = library.llama_sampler_sample(chain, self.llama._ctx.ctx, -1)
                if library.llama_vocab_is_eog(vocabulary, token):
                    break
                num_predicted += 1
                written += self.llama.detokenize([token])
                cut = kept_lines(written.decode(errors="ignore"), request["num_indent"])
                if cut is not None:
                    written = cut.encode()
                    break
                is_late = (time.perf_counter() - began) * 1e3 > request["max_predict_ms"]
                if is_late and b"\n" in written:
                    break
                self.llama.eval([token])
        finally:
            library.llama_sampler_free(chain)
        return written.decode(errors="ignore"), num_predicted

    def _vocabulary(self) -> Any:
        return self.library.llama_model_get_vocab(self.llama._model.model)

    def _marks(self) -> dict[str, int]:
        vocabulary = self._vocabulary()
        found = {
            name: int(getattr(self.library, f"llama_vocab_fim_{name}")(vocabulary))
            for name in ("rep", "sep", "pre", "suf", "mid")
        }
        return {name: token for name, token in found.items() if token >= 0}

    def _encode(self, text: str) -> list[int]:
        return self.llama.tokenize(text.encode(), add_bos=False, special=False) if text else []

    def _timed(self, work: Callable[[], int]) -> dict[str, object]:
        started = time.perf_counter()
        num_encoded = work()
        return {
            "ms": (time.perf_counter() - started) * 1e3,
            "num_encoded": num_encoded,
            "token": self.next_token,
        }

    def _evaluate(self, ids: list[int]) -> int:
        import numpy

        self.llama.eval(ids)
        logits = self.library.llama_get_logits_ith(self.llama._ctx.ctx, -1)
        self.next_token = int(numpy.ctypeslib.as_array(logits, shape=(self.llama.n_vocab(),)).argmax())
        return len(ids)

    def _sync(self, ids: list[int]) -> int:
        llama = self.llama
        cached = llama.input_ids[: llama.n_tokens].tolist()
        kept = common_prefix(cached, ids)
        if kept == len(ids):  # the last token's logits are wanted
            kept -= 1
        else:
            for source, target, length in shifted_runs(cached, ids, kept, MIN_SHIFTED_RUN):
                if source != target:
                    llama._ctx.kv_cache_seq_rm(0, target, source)
                    llama._ctx.kv_cache_seq_shift(0, source, source + length, target - source)
                llama.input_ids[target : target + length] = ids[target : target + length]
                kept = min(target + length, len(ids) - 1)
        llama.n_tokens = kept
        return self._evaluate(ids[kept:])


def peak_rss_bytes() -> int | None:
    """The most memory that this process ever held resident, where the system says so."""
    try:
        import resource
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def serve(requests: TextIO, answers: TextIO) -> None:
    """Answer each line until the lines end. A failure is an answer with "error"."""
    peer: Peer | None = None
    for line in requests:
        request = json.loads(line)
        try:
            if request["op"] == "load":
                started = time.perf_counter()
                peer = Peer(request["path"], request["num_context"], request["num_threads"])
                answer: dict[str, object] = {
                    "version": peer.library.__version__,
                    "load_s": time.perf_counter() - started,
                }
            elif request["op"] == "memory":
                answer = {"peak_rss_bytes": peak_rss_bytes()}
            else:
                assert peer is not None, "load comes first"
                arguments = {key: value for key, value in request.items() if key != "op"}
                operations = {
                    "prefill": peer.prefill,
                    "sync": peer.sync,
                    "decode": peer.decode,
                    "write_with_lookup": peer.write_with_lookup,
                    "infill": peer.infill,
                }
                answer = operations[request["op"]](**arguments)
        except Exception as error:  # noqa: BLE001  # the one boundary of this program
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def main() -> None:
    """Speak on stdin and stdout; whatever the library prints goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(sys.stdin, answers)


if __name__ == "__main__":
    main()
