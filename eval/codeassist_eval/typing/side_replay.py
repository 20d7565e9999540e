"""The same session typed into a side that is not ours: another language server, or llama.vim before llama.cpp."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from codeassist_eval.typing.llama_ring import Ring, visited
from codeassist_eval.typing.llama_vim import Infill, LlamaVim
from codeassist_eval.typing.other_server import OtherServer
from codeassist_eval.typing.typing_trace import Trace
from codeassist_eval.typing.typist import Seen, Typist, type_into


@dataclass(frozen=True, slots=True)
class SideSession:
    """A session on one side. `first_completion_s`: from the start, as that side starts, to the first answer."""

    side: str
    first_completion_s: float | None
    seen: tuple[Seen, ...]
    rss_bytes: int | None


async def replay_in_server(
    trace: Trace,
    language: str,
    folder: Path,
    command: Sequence[str],
    environment: Mapping[str, str],
    typist: Typist,
) -> SideSession:
    """Type one session into a server process of its own. Raises EvaluationError."""
    client = OtherServer(command, folder, environment)
    began = time.perf_counter()
    try:
        await client.start()
        client.open(trace.path, language, trace.initial)
        await client.suggest(trace.initial, trace.cursor)
        first_s = time.perf_counter() - began
        seen = await type_into(client, trace, typist)
        rss_bytes = client.rss_bytes
    finally:
        await client.stop()
    return SideSession(f"{client.name} ({client.method.partition('/')[2]})", first_s, tuple(seen), rss_bytes)


async def replay_in_llama_vim(
    trace: Trace, folder: Path, infill: Callable[[Infill], str], ring_size: int, seed: int, typist: Typist
) -> SideSession:
    """Type one session into llama.vim. Its ring is read and the first request is answered before the first key."""
    vim = LlamaVim(infill, trace.path, Ring(ring_size, f"{seed} {trace.name}"))
    await vim.open(trace.initial, trace.cursor, visited(folder, trace.path, ring_size))
    await vim.suggest(trace.initial, trace.cursor)
    seen = await type_into(vim, trace, typist)
    await vim.close()
    return SideSession("llama.vim", None, tuple(seen), None)
