"""How fast a region is written again with a change: what a next edit does, and an answer that repeats a block.

The prompt shows a region; what is written is the region with its commonest name changed, whatever the model would have
written: so every model and both sides do the same work, and a draft is right where the text is. Passes, drafts, output
matrix and choice are those of decoding.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from codeassist.completion.session import Session
from codeassist.engine.cache.reuse import common_prefix
from codeassist.engine.decoding.decode import Chooser, Decoded, DecodeParams, Drafter, NoDrafter
from codeassist.engine.decoding.drafts import Speculator
from codeassist_eval.engines.llama_peer import LlamaPeer
from codeassist_eval.tasks.task import Task

REGION_LINES = 21
_CONTEXT_TOKENS = 512
_NAME = re.compile(r"\b[a-z_][a-z0-9_]{3,}\b")
_LEAST_USES = 3
Report = Callable[[str, int, int], None]


@dataclass(slots=True)
class RewriteFigures:
    """Sums over the regions. Milliseconds of decoding alone; both sides and both ways write the same tokens.

    `lookup_ms`: llama.cpp with its own drafts copied from the prompt.
    """

    num_regions: int = 0
    num_tokens: int = 0
    ours_ms: float = 0.0
    undrafted_ms: float = 0.0
    llama_cpp_ms: float = 0.0
    lookup_ms: float = 0.0
    num_passes: int = 0
    num_drafted: int = 0
    num_accepted: int = 0


@dataclass(frozen=True, slots=True)
class Region:
    """A prompt that ends where the lines `old`, which it holds, are written again as `new`."""

    prompt: str
    old: str
    new: str


def measure_rewrites(
    session: Session, tasks: Sequence[Task], peer: LlamaPeer | None, num_regions: int, settle_s: float, report: Report
) -> RewriteFigures:
    """Write the regions of different files again: we with drafts and without, the peer without and with its own."""
    figures = RewriteFigures()
    regions = [region for region in map(region_of, tasks) if region is not None][:num_regions]
    for number, region in enumerate(regions, 1):
        encode, room = session.tokenizer.encode, session.engine.max_tokens
        old, new = encode(region.old), encode(region.new)[: room // 2]
        prompt = encode(region.prompt)[-(room - len(new)) :]
        drafter = Speculator(session.engine.barriers)
        drafter.start(prompt, [range(len(prompt))], len(prompt), old)
        _, undrafted_ms = _write(session, prompt, new, NoDrafter())
        counts, ours_ms = _write(session, prompt, new, drafter)
        figures.undrafted_ms += undrafted_ms
        figures.ours_ms += ours_ms
        figures.num_passes += counts.num_passes
        figures.num_drafted += counts.num_drafted
        figures.num_accepted += counts.num_draft_accepted
        figures.num_regions += 1
        figures.num_tokens += len(new) - 1
        if peer is not None:
            time.sleep(settle_s)
            peer.sync(prompt)
            figures.llama_cpp_ms += peer.decode(len(new) - 1).ms
            figures.lookup_ms += peer.write_with_lookup(new).ms
            time.sleep(settle_s)
        report("rewriting", number, len(regions))
    return figures


def _write(session: Session, prompt: Sequence[int], text: Sequence[int], drafter: Drafter) -> tuple[Decoded, float]:
    """Write `text` after a prompt that is read first, as `decode` does; return its counts, and the milliseconds after
    the first token."""
    engine = session.engine
    opened = engine.open()
    live = engine.use(opened)
    live.sync(prompt)
    choose, counts = Chooser(DecodeParams(len(text), frozenset())), Decoded()
    written = 1
    drafter.observe(text[:1], 0, 0, None)
    started = time.perf_counter()
    while written < len(text):
        draft = list(drafter.propose())[: len(text) - written - 1]
        pass_started = time.perf_counter()
        logits = engine.model.logits(live.extend([text[written - 1], *draft]))
        right = common_prefix(draft, text[written:])
        for row in range(right + 1):
            choose(logits[row])
        fresh = text[written : written + right + 1]
        live.truncate(len(live.tokens) - (len(draft) - right))
        drafter.observe(fresh, len(draft), right, (time.perf_counter() - pass_started) * 1e3)
        written += len(fresh)
        counts.num_passes += 1
        counts.num_drafted += len(draft)
        counts.num_draft_accepted += right
    taken_ms = (time.perf_counter() - started) * 1e3
    engine.forget(opened)
    return counts, taken_ms


def region_of(task: Task) -> Region | None:
    """The lines up to a task's cursor, and these with the name that stands there most often changed; None: too few."""
    lines = (task.prefix + task.groundtruth + task.suffix).splitlines(keepends=True)
    if len(lines) < REGION_LINES:
        return None
    stop = max(REGION_LINES, task.prefix.count("\n"))
    old = "".join(lines[stop - REGION_LINES : stop])
    names = Counter(_NAME.findall(old))
    if not names or names.most_common(1)[0][1] < _LEAST_USES:
        return None
    name = names.most_common(1)[0][0]
    before = "".join(lines[: stop - REGION_LINES])[-4 * _CONTEXT_TOKENS :]
    prompt = f"{before}{old}\n\nThe same lines with `{name}` renamed to `{name}_new`:\n\n"
    return Region(prompt, old, re.sub(rf"\b{name}\b", f"{name}_new", old))
