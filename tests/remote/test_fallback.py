"""A server that completes first: what it is sent, what it never is, what happens when it fails. The server is real."""

from __future__ import annotations

import random
import re
import socket
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from transformers import PreTrainedTokenizerFast

from codeassist.completion.document_state import DocumentState, SnippetPolicy
from codeassist.errors import Cancelled
from codeassist.remote.breaker import Breaker
from codeassist.remote.errors import RemoteError
from codeassist.remote.events import EventReader
from codeassist.remote.fallback import Patience
from codeassist.remote.policy import RemotePolicy
from codeassist.request import CompletionRequest, InstalledIn, NoRetriever, Retrieval, Snippet
from codeassist.tokenization.tokens import Tokenizer
from tests.completions_server import Break, CompletionsServer, Fault, Garble, Hang, Reset, Stall, Status, is_hung_up
from tests.remote.engine_at import Local, engine_at

REQUEST = CompletionRequest("a.py", "def f(x):\n    return", "\n", max_new_tokens=9, max_lines=1, root="/src/mine")


@pytest.fixture
def local() -> Local:
    return Local()


class Fixed:
    """Finds the snippets that it was made with."""

    def __init__(self, *snippets: Snippet) -> None:
        self.snippets = snippets

    def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
        return Retrieval(self.snippets)


def snippet(path: str, text: str) -> Snippet:
    return Snippet(path, text, 1, 1 + text.count("\n"), "bm25", 1.0, "near")


def ours_only(before: set[threading.Thread]) -> list[threading.Thread]:
    """Threads that were not there before and are not the server's, once those that are ending have ended."""
    mine = [t for t in threading.enumerate() if t not in before and "process_request" not in t.name]
    for thread in mine:
        thread.join(5)
    return [thread for thread in mine if thread.is_alive()]


def test_the_server_completes_and_what_it_was_sent_is_known(
    server: CompletionsServer, ours: Tokenizer, local: Local
) -> None:
    found = Fixed(snippet("other.py", "def helper():\n    return 1\n"))
    with closing(engine_at(server.url, ours, local)) as engine:
        completion = engine.complete(replace(REQUEST, repository="mine"), found)

    assert (completion.text, completion.finish_reason) == (" x + 1", "max_lines")
    prompt = server.prompts()[-1]
    sent = completion.trace.sent
    assert "mine\n" in ours.decode_bytes(prompt).decode()
    assert sent is not None and sent.url == server.url
    assert (sent.num_snippets, sent.num_times, sent.num_tokens) == (1, 1, len(prompt))
    assert sent.num_file_chars == len(REQUEST.prefix + REQUEST.suffix)
    assert sent.num_snippet_chars == len(found.snippets[0].text)
    assert sent.num_chars == len(ours.decode_bytes(prompt).decode())
    assert {"retrieve", "prompt", "prefill", "first_token", "decode", "total"} <= completion.trace.stage_ms.keys()
    assert server.requests[-1]["stream"] and not local.requests


def test_cached_tokens_are_known_where_the_answer_is_read_to_its_end(
    server: CompletionsServer, ours: Tokenizer, local: Local
) -> None:
    server.reply = lambda prompt: " x"
    with closing(engine_at(server.url, ours, local)) as engine:
        completion = engine.complete(REQUEST, NoRetriever())
    assert completion.trace.sent is not None
    assert (completion.text, completion.trace.num_cached_tokens, completion.trace.sent.num_cached_tokens) == (
        " x",
        3,
        3,
    )


@pytest.mark.parametrize(
    ("fault", "said", "num_sent"),
    [
        (Reset(), "connection broke", 2),
        (Break(), "breaks off|connection broke", 2),
        (Garble(), "no JSON: <html>busy", 2),
        *(
            (Garble(b'{"error": ' + b"[" * depth + b"]" * depth + b"}"), "nested|no JSON|no choices", 2)
            for depth in (60, 500, 900, 960, 990, 9_000)
        ),
        (Garble(b'{"choices": [{"text": " x", "logprobs": {"token_logprobs": [1' + b"0" * 400 + b"]}}]}"), "breaks", 2),
        (Status(429, headers={"Retry-After": "0.01"}), "status 429", 2),
        (Status(429, headers={"Retry-After": "60"}), "asks to wait 60 s", 1),
        (Status(500), "status 500", 2),
        (Status(400), "status 400", 1),
        (Hang(), "is silent for 0.3 s", 2),
        (Stall(), "no completion within 1 s", 1),
    ],
)
def test_every_fault_ends_with_the_local_models_completion(
    server: CompletionsServer, ours: Tokenizer, local: Local, fault: Fault, said: str, num_sent: int
) -> None:
    before = set(threading.enumerate())
    patience = Patience(first_token_s=0.3, timeout_s=1.0 if fault == Stall() else 20.0, num_retries=1)
    with closing(engine_at(server.url, ours, local, patience=Patience(20.0, 20.0, 1))) as engine:
        engine.reach()
        engine._patience = patience
        server.faults.extend([fault] * 2)
        completion = engine.complete(REQUEST, NoRetriever())
        assert completion.text == "local" and len(local.requests) == 1
        assert completion.trace.sent is not None and completion.trace.sent.num_times == num_sent, (
            "what left is told all the same"
        )
        [notice] = completion.trace.notices
        assert re.search(said, notice), notice
        server.faults.clear()
        assert engine.complete(REQUEST, NoRetriever()).text == " x + 1"
    assert local.is_closed and not ours_only(before)


def test_a_server_that_is_away(server: CompletionsServer, ours: Tokenizer, local: Local) -> None:
    before = set(threading.enumerate())
    server.stop()
    clock = [0.0]
    breaker = Breaker(most_failures=2, first_s=5, now_s=lambda: clock[0])
    with closing(engine_at(server.url, ours, local, breaker=breaker)) as engine:
        engine.reach()
        assert engine.problem is None
        completion = engine.complete(REQUEST, NoRetriever())
        assert completion.text == "local" and completion.trace.sent is None, "nothing left: nobody listened"
        assert "cannot be reached" in completion.trace.notices[0]
        assert engine.problem is not None and "the local model answers" in engine.problem

        server.start()
        assert engine.complete(REQUEST, NoRetriever()).text == "local" and not server.requests, "not asked for a while"
        clock[0] = 5.0
        assert engine.complete(REQUEST, NoRetriever()).text == " x + 1"
        assert engine.problem is None
        server.stop()
    assert not ours_only(before)


def test_without_a_fallback_it_is_said_what_is_wrong(server: CompletionsServer, ours: Tokenizer, local: Local) -> None:
    server.stop()
    with (
        closing(engine_at(server.url, ours, local, falls_back=False)) as engine,
        pytest.raises(RemoteError, match=r"did not answer .*cannot be reached.*remote.fallback is off"),
    ):
        engine.complete(REQUEST, NoRetriever())
    assert not local.requests


@pytest.mark.parametrize("waits_for", ["answer", "rest"])
def test_cancelling_closes_the_request(
    server: CompletionsServer, ours: Tokenizer, local: Local, waits_for: str
) -> None:
    arrived, closed = threading.Event(), threading.Event()

    def wait_for_the_end(connection: socket.socket) -> None:
        arrived.set()
        if is_hung_up(connection, 20):
            closed.set()

    with closing(engine_at(server.url, ours, local, patience=Patience(20, 20, 0))) as engine:
        engine.reach()
        setattr(server, "before_answer" if waits_for == "answer" else "during_answer", wait_for_the_end)
        with pytest.raises(Cancelled):
            engine.complete(REQUEST, NoRetriever(), arrived.is_set)
        assert closed.wait(20)
        assert engine.problem is None and not local.requests, "who is not waited for has not failed"


@pytest.mark.parametrize(
    ("repositories", "root", "reason"),
    [
        ((), "/src/mine", "not among remote.repositories"),
        (("/src/other",), "/src/mine", "not among remote.repositories"),
        (("/src/min",), "/src/mine", "not among remote.repositories"),
        (("/src/mine",), None, "in no repository"),
        (("/src/mine",), "/src/mine/../yours", "not among remote.repositories"),
    ],
)
def test_what_is_not_allowed_is_never_sent(
    server: CompletionsServer,
    ours: Tokenizer,
    local: Local,
    repositories: tuple[str, ...],
    root: str | None,
    reason: str,
) -> None:
    request = CompletionRequest("a.py", "x", "", root=root)
    with closing(engine_at(server.url, ours, local, repositories=repositories)) as engine:
        if not repositories:
            engine.reach()
        completion = engine.complete(request, NoRetriever())
    assert completion.text == "local" and reason in completion.trace.notices[0] and completion.trace.sent is None
    assert not server.requests and not server.num_gets


def test_allowed_is_what_the_links_lead_to(tmp_path: Path) -> None:
    (tmp_path / "allowed").mkdir()
    (tmp_path / "private").mkdir()
    (tmp_path / "allowed" / "link").symlink_to(tmp_path / "private")
    allowed = RemotePolicy((str(tmp_path / "allowed"),))

    def why_not(root: Path) -> str | None:
        return allowed.why_not(CompletionRequest("a.py", "", "", root=str(root)))

    assert why_not(tmp_path / "allowed") is None and why_not(tmp_path / "allowed" / "deep" / "er") is None
    assert why_not(tmp_path / "allowed" / "link") is not None and why_not(tmp_path) is not None
    unnamed = CompletionRequest("Untitled-1.py", "", "", root=str(tmp_path / "allowed"), has_file=False)
    assert "no file yet" in str(allowed.why_not(unnamed)) and RemotePolicy(("*",)).why_not(unnamed) is None
    assert not RemotePolicy(()) and RemotePolicy(("*",)).why_not(CompletionRequest("a.py", "", "")) is None


def test_a_file_of_keys_stays_here(server: CompletionsServer, ours: Tokenizer, local: Local) -> None:
    with closing(engine_at(server.url, ours, local)) as engine:
        engine._allowed = RemotePolicy(("*",), lambda request: "secret" if request.path == ".env" else None)
        assert engine.complete(CompletionRequest(".env", "KEY=", ""), NoRetriever()).text == "local"
    assert not server.requests and not server.num_gets


def test_typing_on_keeps_the_prompts_beginning(server: CompletionsServer, ours: Tokenizer, local: Local) -> None:
    """Repository, snippets in the order in which they stood, then the file: a prefix cache finds all but the end."""
    one, two, three = (snippet(f"{name}.py", f"def {name}():\n    return {name}\n") for name in ("one", "two", "three"))
    document = DocumentState(policy=SnippetPolicy())
    with closing(engine_at(server.url, ours, local)) as engine:
        engine.complete(REQUEST, Fixed(one, two), document=document)
        typed = CompletionRequest("a.py", REQUEST.prefix + " x", "\n", max_new_tokens=9, root="/src/mine")
        engine.complete(typed, Fixed(two, one), document=document)
        engine.complete(typed, Fixed(three, two, one), document=document)
    first, second, third = server.prompts()[-3:]
    until = first.index(ours.special["<|fim_suffix|>"])
    assert second[:until] == first[:until], "all up to the cursor"
    others = [at for at, token in enumerate(first) if token == ours.special["<|file_sep|>"]]
    assert len(others) == 3 and third[: others[-1]] == first[: others[-1]], "what stood stays, what comes stands after"
    assert first[0] == ours.special["<|repo_name|>"]
    assert third.count(ours.special["<|file_sep|>"]) == 4


def test_what_was_found_for_a_document_is_not_looked_for_again(
    server: CompletionsServer, ours: Tokenizer, local: Local
) -> None:
    class Counting(Fixed):
        num_asked = 0

        def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
            self.num_asked += 1
            return super().retrieve(request, max_chars)

    document, found = DocumentState(policy=SnippetPolicy()), Counting(snippet("one.py", "x = 1\n"))
    with closing(engine_at(server.url, ours, local)) as engine:
        for number in range(3):
            engine.complete(replace(REQUEST, alternative=number), found, document=document)
    assert found.num_asked == 1, "alternatives see what the first answer saw"
    assert all(ours.special["<|file_sep|>"] in prompt for prompt in server.prompts()[-3:])


def test_unlikely_answers_are_given_up_where_the_server_tells(
    theirs: PreTrainedTokenizerFast, ours: Tokenizer, local: Local
) -> None:
    request = CompletionRequest("a.py", "x =", "", max_lines=1, min_confidence=0.9)
    with (
        CompletionsServer(theirs, lambda prompt: " a b c d", gives_logprobs=True, obeys="regex") as server,
        closing(engine_at(server.url, ours, local, with_features=True)) as engine,
    ):
        unlikely = engine.complete(request, NoRetriever())
        likely = engine.complete(CompletionRequest("a.py", "x =", "", min_confidence=0.5), NoRetriever())
        assert engine._session is not None
        features = engine._session.capabilities.features
    assert (unlikely.text, unlikely.finish_reason) == ("", "unlikely")
    assert likely.text == " a b c d" and likely.confidence == pytest.approx(0.6065, abs=1e-3)
    assert (features.logprobs, features.constraint, features.echo, features.suffix) == (True, "regex", False, False)

    with (
        CompletionsServer(theirs, lambda prompt: " a b c d") as server,
        closing(engine_at(server.url, ours, local, with_features=True)) as engine,
    ):
        completion = engine.complete(request, NoRetriever())
    assert completion.text == " a b c d" and "gives no logprobs" in completion.trace.notices[-1]


def test_alternatives_are_drawn(server: CompletionsServer, ours: Tokenizer, local: Local) -> None:
    with closing(engine_at(server.url, ours, local)) as engine:
        engine.complete(CompletionRequest("a.py", "x", "", alternative=2, seed=5), NoRetriever())
    assert (server.requests[-1]["temperature"], server.requests[-1]["seed"]) == (0.8, 7)


def test_events_are_split_at_line_feeds_only() -> None:
    seed = random.randrange(1 << 30)
    chooser = random.Random(seed)
    payloads = ['{"text": "a\u2028b\x85c\x0b"}', "{}", "[DONE]", '{"text": "漢🙂"}']
    stream = b": ping\n\n" + b"".join(f"data: {each}\r\n\r\n".encode() for each in payloads) + b"event: end\n"
    for _ in range(50):
        reader, found, at = EventReader(1 << 20), [], 0
        while at < len(stream):
            size = chooser.randrange(1, 9)
            found += reader.feed(stream[at : at + size])
            at += size
        assert [each.decode() for each in found] == payloads, f"seed {seed}"
    with pytest.raises(ValueError, match="more than"):
        EventReader(10).feed(b"x" * 11)


def test_the_breaker() -> None:
    clock = [0.0]
    breaker = Breaker(most_failures=2, first_s=5, most_s=12, now_s=lambda: clock[0])
    breaker.failed("one")
    assert breaker.lets_through and not breaker.is_open
    breaker.succeeded()
    breaker.failed("one")
    breaker.failed("two")
    assert breaker.is_open and breaker.reason == "two" and not breaker.lets_through
    for waited in (5, 10, 12, 12):
        clock[0] += waited - 0.1
        assert not breaker.lets_through, waited
        clock[0] += 0.1
        assert breaker.lets_through, waited
        breaker.failed("again")
    clock[0] += 12
    breaker.succeeded()
    assert breaker.lets_through and not breaker.is_open and breaker.reason is None


def test_text_of_installed_packages_stays_here_unless_their_folder_is_named(
    server: CompletionsServer, ours: Tokenizer, local: Local, tmp_path: Path
) -> None:
    """What finds it is told whether it is wanted; and whatever finds it all the same is held back."""
    root, kept = tmp_path / "work" / "mine", tmp_path / "work" / "elsewhere"
    packaged = replace(
        snippet("widgets/core.py", "def of_package(): ...\n"),
        package=InstalledIn("widgets 2.1.0", str(root / ".venv" / "lib" / "site-packages")),
    )
    found = Fixed(packaged, snippet("own.py", "def of_repository(): ...\n"))
    asked: list[bool] = []

    class Asked:
        def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
            asked.append(request.sees_libraries)
            return found.retrieve(request, max_chars)

    request = replace(REQUEST, root=str(root))
    cases: list[tuple[list[Path | str], bool, bool]] = [
        ([root], False, False),
        ([tmp_path / "work"], False, False),
        ([root, kept], True, False),
        ([root, root / ".venv"], True, True),
        (["*"], True, True),
    ]
    with closing(engine_at(server.url, ours, local)) as engine:
        for named, is_asked, goes in cases:
            engine._allowed = RemotePolicy([str(each) for each in named])
            completion = engine.complete(request, Asked())
            paths = {used.snippet.path for used in completion.snippets}
            assert ("widgets/core.py" in paths, asked[-1]) == (goes, is_asked), named
            assert "own.py" in paths
