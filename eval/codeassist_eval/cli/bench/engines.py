"""The model, and llama.cpp beside it, as the benchmarks of speed open them."""

from __future__ import annotations

from pathlib import Path

from codeassist.progress import Progress
from codeassist.terminal.console import notice
from codeassist_eval.engines.llama_peer import LlamaPeer, find_llama_python, start_peer
from codeassist_eval.engines.local_engine import LocalEngine, local_engine
from codeassist_eval.runs.schedule import Limits

_NO_LLAMA = "no Python with llama-cpp-python was named (--llama-python PATH): our own figures only"


def live_engine(
    model: str | None,
    assignments: tuple[str, ...],
    limits: Limits,
    prompt_tokens: int,
    threads: int | None,
    progress: Progress,
) -> LocalEngine:
    """Choose the model, with a live cache and prompts of this length; what the user sets goes over that."""
    ours = ["cache.mode=live", f"model.context_tokens={prompt_tokens}"]
    if threads is not None:
        ours.append(f"model.threads={threads}")
    return local_engine(model, [*ours, *assignments], limits, progress)


def open_peer(named: Path | None, local: LocalEngine, num_context: int, num_threads: int) -> LlamaPeer | None:
    """Load the same file into llama.cpp; None, with a notice, where that cannot be."""
    llama_python = find_llama_python(named)
    if llama_python is None:
        notice(_NO_LLAMA)
        return None
    if local.model.kind != "gguf":
        notice(f"{local.model.name} is no GGUF file, which is what llama.cpp reads: our own figures only")
        return None
    peer = start_peer(llama_python)
    try:
        peer.load(local.model.path, num_context, num_threads)
    except BaseException:
        peer.close()
        raise
    return peer
