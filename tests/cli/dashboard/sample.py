"""Readings as servers say them, with every kind of thing in them and names that would like to be markup."""

from __future__ import annotations

import random
from typing import Any

from codeassist_lsp.usage.feedback_figures import figures
from codeassist_lsp.usage.request_log import STAGES, percentiles
from codeassist_lsp.usage.suggestion_outcome import SuggestionOutcome

HOSTILE = "<img src=x onerror=window.hacked=1>\u202e.py"
ANSWER = [
    ("total", 0.97),
    ("_price", 0.62),
    ("_cents", 0.91),
    ("()", 0.41),
    (" for", 0.99),
    (" item", 0.98),
    (" in", 1.0),
]
TAIL = [(" items", 0.95), (")", 0.22), ("\n", 0.9), ("<b>", 0.5)]


def sample(seed: int = 1, now_s: float = 1_796_000_000.0) -> dict[str, Any]:
    """Readings of one server with requests, and of one that does not answer."""
    dice = random.Random(seed)
    recent = [_request(dice) for _ in range(90)]
    took: dict[str, list[float]] = {}
    for request in recent:
        for stage, ms in request["stage_ms"].items():
            took.setdefault(stage, []).append(ms)
    server = {
        "pid": 4711,
        "address": "/run/user/1000/codeassist/4711-1a2b3c4d.sock",
        "problem": None,
        "version": "0.1.0",
        "uptime_s": 5423.1,
        "model": {
            "name": "qwen2.5-coder-1.5b",
            "device": "cpu",
            "notices": ["fp32 weights were converted to int8"],
            "loading": None,
            "problem": None,
            "num_restarts": 0,
        },
        "clients": 3,
        "editors": [{"name": "Visual Studio Code", "pid": 1201}, {"name": "Neovim", "pid": None}],
        "shared": {"linger_s": 60.0},
        "documents": 5,
        "threads": 2,
        "cache": {
            "documents": 3,
            "slots": 4302,
            "exact_share": 0.83,
            "strips": [_strip(), {**_strip(), "name": "edit", "snippets": []}],
        },
        "requests": {"counts": {"answered": 61, "cached": 22, "withheld": 4, "empty": 3}, "under_way": 0, "joined": 0},
        "results": {"kept": 31, "hits": 9, "along": 13, "stale": 2, "missed": 68},
        "second_looks": {"made": 0, "used": 0},
        "feedback": {"unwritten": 0, "problem": None},
        "monitors": {"agreed": 31, "overruled": 4, "abstained": 2, "suspected": 0},
        "tokens": {"prompt": 141_000, "reused": 138_200, "reused_share": 0.98, "new": 1204},
        "sources": {
            "imported": {"requests": 60, "snippets": 141, "tokens": 21_900, "late": 0},
            "bm25": {"requests": 55, "snippets": 88, "tokens": 11_240, "late": 1},
            "callers": {"requests": 12, "snippets": 12, "tokens": 1810, "late": 0},
            HOSTILE: {"requests": 3, "snippets": 3, "tokens": 240, "late": 2},
        },
        "latency_ms": {stage: percentiles(took[stage]) for stage in STAGES if stage in took},
        "recent": recent,
        "index": [{"root": f"/home/me/{HOSTILE}", "indexed": 96, "total": 97, "building": True, "problems": []}],
        "last_suggestion": _suggestion(),
    }
    return {
        "at_s": now_s,
        "servers": [server, {"pid": 4712, "address": "port 5", "problem": f"the server at {HOSTILE} does not answer"}],
        "stats": {"days": 30, "file": "feedback.db", **figures(_outcomes(dice, now_s)), "problem": None},
        "indexes": [_index()],
    }


def _request(dice: random.Random) -> dict[str, Any]:
    outcome = dice.choice(["answered"] * 12 + ["cached"] * 5 + ["withheld", "empty", "cancelled"])
    stage_ms = {"total": 0.4 + dice.random()}
    if outcome != "cached":
        first = dice.uniform(25, 45)
        stage_ms = {
            "debounce": dice.choice([0.0, dice.uniform(30, 90)]),
            "queue": dice.random(),
            "retrieve": dice.uniform(4, 60),
            "prompt": dice.uniform(1, 4),
            "sync": dice.lognormvariate(4, 0.7),
            "first_token": first,
            "decode": first + dice.uniform(20, 260),
            "trim": dice.uniform(0.5, 3),
        }
        stage_ms["total"] = sum(stage_ms.values()) - first
    return {
        "outcome": outcome,
        "kind": "automatic",
        "stage_ms": stage_ms,
        "num_prompt_tokens": 1600,
        "num_cached_tokens": 1580,
        "num_new_tokens": 12,
        "late_sources": [],
    }


def _strip() -> dict[str, Any]:
    runs = [
        ["exact", 0, 620],
        ["placed", 620, 790],
        ["shifted", 790, 1010],
        ["stale", 1010, 1330],
        ["shifted", 1330, 1575],
        ["missing", 1575, 1590],
        ["stale", 1590, 1600],
    ]
    return {"name": f"src/{HOSTILE}", "runs": runs, "snippets": [[8, 220], [220, 610], [620, 790]]}


def _suggestion() -> dict[str, Any]:
    text = "".join(text for text, _ in ANSWER) + " items)"
    return {
        "markdown": "",
        "path": f"shop/{HOSTILE}",
        "text": text,
        "around": {
            "line": 8,
            "before": "from inventory import Item\n\n\ndef stock_value(items):\n    return sum(item.",
            "replaced": "",
            "after": "\n\n\ndef <script>window.hacked=2</script>():\n    ...\n",
        },
        "model": "qwen2.5-coder-1.5b",
        "finish_reason": "max_lines",
        "confidence": 0.83,
        "num_prompt_tokens": 1600,
        "num_cached_tokens": 1589,
        "num_new_tokens": 11,
        "stage_ms": {"debounce": 40.2, "retrieve": 12.5, "sync": 61.0, "decode": 190.4, "total": 310.0},
        "snippets": [
            {
                "path": "inventory.py",
                "start_line": 6,
                "end_line": 15,
                "source": "imported",
                "score": 3.1,
                "reason": "defines Item, imported in line 1 (expected gain +2.9)",
                "num_tokens": 212,
                "text": "@dataclass\nclass Item:\n    name: str\n\n    def total_price_cents(self) -> int: ...\n",
            },
            {
                "path": HOSTILE,
                "start_line": 1,
                "end_line": 4,
                "source": "bm25",
                "score": 1.0,
                "reason": f"shares item, {HOSTILE} with the lines around the cursor",
                "num_tokens": 90,
                "text": "</pre><script>window.hacked=3</script>\x1b[31m\n",
            },
        ],
        "notices": [],
        "sent": None,
        "late_sources": [],
        "monitors": [
            {
                "kind": "member",
                "char": 0,
                "outcome": "overruled",
                "name": "total_price_cents",
                "wanted": "price<b>",
                "source": "jedi",
                "num_allowed": 5,
                "some": ["name", "quantity", "total_price_cents"],
                "strength": "sure",
                "wanted_probability": 0.4,
            }
        ],
        "tokens": [{"text": text, "probability": probability} for text, probability in (*ANSWER, *TAIL)],
    }


def _outcomes(dice: random.Random, now_s: float) -> list[SuggestionOutcome]:
    found: list[SuggestionOutcome] = []
    for number in range(900):
        day = dice.randrange(24)
        is_accepted = dice.random() < 0.34
        language = dice.choices(["python", "typescript", HOSTILE], [6, 3, 1])[0]
        found.append(
            SuggestionOutcome(
                str(number), now_s - day * 86_400, "automatic", language, "qwen2.5-coder-1.5b", 30, 1,
                is_shown=True,
                is_accepted=is_accepted,
                accepted_chars=30 * is_accepted,
                looked_chars=30 * is_accepted,
                kept_chars=27 * is_accepted,
            )
        )  # fmt: skip
    return found


def _index() -> dict[str, Any]:
    folders = [
        {"folder": "codeassist/engine", "num_files": 41, "num_indexed": 40, "num_bytes": 212_000, "is_rest": False},
        {"folder": "codeassist", "num_files": 12, "num_indexed": 12, "num_bytes": 61_000, "is_rest": True},
        {"folder": f"docs/{HOSTILE}", "num_files": 30, "num_indexed": 18, "num_bytes": 402_000, "is_rest": False},
        {"folder": "", "num_files": 13, "num_indexed": 9, "num_bytes": 30_000, "is_rest": True},
    ]
    return {
        "root": f"/home/me/{HOSTILE}",
        "is_indexed": True,
        "num_files": 79,
        "num_symbols": 4210,
        "num_chunks": 1702,
        "num_bytes": 5_430_000,
        "skipped_by_reason": {"binary": 12, "too large": 5},
        "folders": [{**each, "skipped_by_reason": {}} for each in folders],
        "problem": None,
    }
