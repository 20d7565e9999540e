"""The load test of a completions server: what typists get of it, as figures, a table and a plot.

What it puts under load is a server on this machine, or one that the user says is theirs.
"""

from __future__ import annotations

import dataclasses
import io
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import anyio
from rich.table import Table

from codeassist.completion.pipeline import Prompter
from codeassist.prompts.prompt import Budget
from codeassist.remote.client import CompletionsClient
from codeassist.remote.detect import detect
from codeassist.remote.endpoint import Endpoint, parse_endpoint
from codeassist.remote.features import detect_features
from codeassist.remote.session import RemoteSession
from codeassist.terminal.screen import Screen
from codeassist.tokenization.tokens import Tokenizer
from codeassist_eval.errors import EvaluationError
from codeassist_eval.percentiles import percentiles
from codeassist_eval.speed.remote_load import Load, LoadPlan, Request, put_under_load
from codeassist_eval.speed.session import machine
from codeassist_eval.typing.typing_sessions import EditSession

_PERCENTILES = (50, 95, 99)
_MOST_PROBLEMS = 5


def endpoint_to_load(url: str, is_own: bool) -> Endpoint:
    """Return the server's address. Raises EvaluationError for another machine's, unless the user says it is theirs."""
    endpoint = parse_endpoint(url, os.environ)
    if not endpoint.is_loopback and not is_own:
        raise EvaluationError(
            f"{endpoint.host} is not this machine, and a load test slows a server down for everybody; if it is your "
            "own, add --own-server"
        )
    return endpoint


def run_remote_bench(
    endpoint: Endpoint,
    model: str | None,
    tokenizer: Tokenizer,
    sessions: Sequence[EditSession],
    prompt_tokens: int,
    plan: LoadPlan,
) -> dict[str, Any]:
    """Find out what the server can do, put it under load, and return the figures, with the requests in `requests`."""

    async def run() -> dict[str, Any]:
        client = CompletionsClient(endpoint, timeout_s=plan.timeout_s, num_at_once=plan.num_typists + 4)
        async with client:
            found = await detect(client, model, tokenizer)
            features = await detect_features(client, found.model, found.dialect)
            session = RemoteSession(
                client,
                dataclasses.replace(found, features=features),
                Prompter(tokenizer, found.template, Budget(prompt_tokens)),
            )
            load = await put_under_load(session, sessions, plan)
        return {
            "server": {
                "kind": found.dialect.name,
                "model": found.model,
                "prompts": "token ids" if found.takes_ids else "text",
                "max_tokens": found.max_tokens,
                "features": dataclasses.asdict(features),
            },
            "prompt_tokens": prompt_tokens,
            "plan": dataclasses.asdict(plan),
            **load_figures(load),
            "machine": machine(),
        }

    return anyio.run(run)


def load_figures(load: Load) -> dict[str, Any]:
    """Return what the requests come to, ready for JSON."""
    requests = load.requests
    counts = Counter(each.outcome for each in requests)
    done = [each for each in requests if each.outcome in ("answered", "empty")]
    told = [each for each in done if each.num_cached_tokens is not None]
    num_prompt = sum(each.num_prompt_tokens for each in told)
    return {
        "seconds": round(load.seconds, 2),
        "num_keys": load.num_keys,
        "num_requests": len(requests),
        "requests_per_s": round(len(requests) / load.seconds, 3),
        "answers_per_s": round(len(done) / load.seconds, 3),
        "first_token_ms": percentiles(
            (each.first_ms for each in done if each.first_ms is not None), _PERCENTILES, digits=1
        ),
        "answer_ms": percentiles((each.total_ms for each in done), _PERCENTILES, digits=1),
        "cancelled_share": round(counts["cancelled"] / len(requests), 4) if requests else None,
        "failed_share": round(counts["failed"] / len(requests), 4) if requests else None,
        "outcomes": dict(counts.most_common()),
        "problems": dict(Counter(each.problem for each in requests if each.problem).most_common(_MOST_PROBLEMS)),
        "prompt_tokens_mean": round(sum(each.num_prompt_tokens for each in done) / len(done), 1) if done else None,
        "new_tokens_mean": round(sum(each.num_new_tokens for each in done) / len(done), 1) if done else None,
        "cached_share": {
            "of_answers_that_tell": _share(sum(each.num_cached_tokens or 0 for each in told), num_prompt),
            "of_the_servers_count": None if load.cached_share is None else round(load.cached_share, 4),
        },
        "requests": [dataclasses.asdict(each) for each in requests],
    }


def print_remote(document: Mapping[str, Any]) -> None:
    """Print the figures as a table."""
    server, plan = document["server"], document["plan"]
    table = Table("ms from the key", "p50", "p95", "p99", title=f"{_short(server['model'])} on {server['kind']}")
    for column in table.columns[1:]:
        column.justify = "right"
    for label, name in (("to the first text", "first_token_ms"), ("to the whole line", "answer_ms")):
        found = document[name]
        table.add_row(label, *("–" if found is None else f"{found[f'p{p}']:,.0f}" for p in _PERCENTILES))
    console = Screen()
    console.print(table)
    shares = document["cached_share"]
    cached = (
        shares["of_the_servers_count"] if shares["of_answers_that_tell"] is None else shares["of_answers_that_tell"]
    )
    told = (
        "the server does not tell what it cached" if cached is None else f"{cached:.0%} of the prompts' tokens cached"
    )
    cancelled, failed = (document[f"{name}_share"] or 0.0 for name in ("cancelled", "failed"))
    console.print(
        f"{plan['num_typists']} typists, {document['num_keys']:,} keys and {document['num_requests']:,} requests in "
        f"{document['seconds']:.0f} s: {document['answers_per_s']:.2f} answers/s; {cancelled:.0%} cancelled, "
        f"{failed:.0%} failed; {told}.",
    )
    for problem, count in document["problems"].items():
        console.print(f"{count} failed: {problem}")


def remote_plot(document: Mapping[str, Any]) -> bytes:
    """Draw every request by when it began: how long its first text took, or how long until it was cancelled; PNG."""
    from codeassist.figures import Figure

    figure = Figure(figsize=(8, 4), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    requests = [Request(**each) for each in document["requests"]]
    series = {
        "first text": [(each.began_s, each.first_ms) for each in requests if each.first_ms is not None],
        "cancelled": [(each.began_s, each.total_ms) for each in requests if each.outcome == "cancelled"],
        "failed": [(each.began_s, each.total_ms) for each in requests if each.outcome == "failed"],
    }
    for (label, points), colour, mark in zip(series.items(), ("#2a6f97", "#bbbbbb", "#c1121f"), "o.x", strict=True):
        if points:
            axes.scatter(*zip(*points, strict=True), s=14, c=colour, marker=mark, label=f"{label} ({len(points)})")
    axes.set_xlabel("s since the start")
    axes.set_ylabel("ms from the key")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize="small", loc="upper left")
    axes.spines[["top", "right"]].set_visible(False)
    server, plan = document["server"], document["plan"]
    axes.set_title(f"{_short(server['model'])} on {server['kind']}: {plan['num_typists']} typists")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _short(model: str) -> str:
    """A model's name without the folder that some servers put before it."""
    return model.rpartition("/")[2]


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
