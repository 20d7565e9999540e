"""Next edits by a server's model: what it is sent, what it never is, what it proposes, how that is judged.

The server is real, and so is what asks it; places are given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace

import pytest
from transformers import PreTrainedTokenizerFast

from codeassist.completion.pipeline import never
from codeassist.edits.change import LineChange
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.model_parts import server_parts
from codeassist.edits.pipeline import EditPipeline
from codeassist.edits.proposals.token_rule import TokenRule
from codeassist.edits.server.edit_server import EditServer
from codeassist.edits.server.server_diff import ServerDiffProposer, diff_prompt
from codeassist.edits.server.server_gate import ServerLikelihoods
from codeassist.edits.site import Site
from codeassist.errors import Cancelled
from codeassist.remote.fallback import Patience, RemoteWithFallback
from codeassist.remote.redactors import Redactors
from codeassist.request import Snippet, sent_together
from codeassist.tokenization.tokens import Tokenizer
from codeassist_indexer.secrets.redaction import redact
from tests.completions_server import CompletionsServer, Hang
from tests.remote.conftest import ours, theirs
from tests.remote.engine_at import Local, engine_at

__all__ = ["ours", "theirs"]

BOXES = "def area(width, height, scale):\n    return scale * width * height\n\n\ndef cost(width, height, scale):\n"
BOXES += "    total = area(width, height)\n    return 3 * total\n"
ORDER = "def weight(width, height, scale):\n    total = area(width, height)\n    return total / 100\n"
EDIT = LineChange("boxes.py", 0, ("def area(width, height):",), ("def area(width, height, scale):",))
REQUEST = EditRequest("boxes.py", 0, (EDIT,), {"boxes.py": BOXES, "order.py": ORDER}, root="/src/mine")
OLD, NEW = "    total = area(width, height)", "    total = area(width, height, scale)"
SITES = (
    Site("boxes.py", 5, 6, 0.95, "use", "calls `area`, whose parameters changed"),
    Site("order.py", 1, 2, 0.9, "use", "calls `area`, whose parameters changed"),
)
KEY = "AKIAIOSFODNN7EXAMPLF"


class Given:
    def __init__(self, sites: Sequence[Site] = SITES) -> None:
        self.sites = sites

    def find(self, request: EditRequest, should_stop: Callable[[], bool]) -> Sequence[Site]:
        return self.sites


@pytest.fixture
def server(theirs: PreTrainedTokenizerFast) -> Iterator[CompletionsServer]:
    with CompletionsServer(theirs, lambda prompt: f"+{NEW}\n     return 3\n", gives_logprobs=True) as running:
        running.logprob = -0.05
        yield running


def redacted(snippet: Snippet) -> Snippet:
    return replace(snippet, text=redact(snippet.text, snippet.path).text)


def connected(server: CompletionsServer, tokenizer: Tokenizer, **more: object) -> RemoteWithFallback:
    options = {"with_features": True, "context_tokens": 2000, "redactors": Redactors(snippet=redacted)}
    options |= {"patience": Patience(60.0, 120.0, 0), **more}
    return engine_at(server.url, tokenizer, Local(), **options)  # type: ignore[arg-type]


def pipeline(remote: RemoteWithFallback, sites: Sequence[Site] = SITES, *, with_rules: bool = False) -> EditPipeline:
    parts = server_parts(remote)
    rules = (TokenRule(),) if with_rules else ()
    return EditPipeline(Given(sites), rules, parts.proposers, parts.gate, take_sent=parts.take_sent)


def asked(server: CompletionsServer) -> list[str]:
    """The prompts about edits that came."""
    texts = [str(server.tokenizer.decode(server.ids_of(prompt))) for prompt in server.prompts()]
    return [text for text in texts if "@@ @@" in text]


def test_a_servers_model_proposes_and_what_was_sent_is_known(server: CompletionsServer, ours: Tokenizer) -> None:
    with closing(connected(server, ours)) as remote:
        found = pipeline(remote).next_edits(REQUEST)
    assert [(each.change, each.source) for each in found.proposals] == [
        (LineChange("boxes.py", 5, (OLD,), (NEW,)), "diff"),
        (LineChange("order.py", 1, (OLD,), (NEW,)), "diff"),
    ]
    own, other = asked(server)
    assert own.startswith(
        "--- a/boxes.py\n+++ b/boxes.py\n@@ @@\n-def area(width, height):\n+def area(width, height, sc"
    )
    assert own.endswith(f" def cost(width, height, scale):\n-{OLD}\n") and "order.py" not in own
    assert other.endswith(f"+++ b/order.py\n@@ @@\n def weight(width, height, scale):\n-{OLD}\n")
    sent = sent_together(found.trace.sent)
    assert sent is not None and (sent.url, sent.num_times) == (server.url, 2)
    assert sent.num_chars == len(own) + len(other) and sent.num_file_chars + sent.num_snippet_chars == sent.num_chars
    assert sent.num_snippets == 1 and 0 < sent.num_snippet_chars < len(other), "boxes.py, for the place in order.py"


def test_without_probabilities_nothing_is_asked(theirs: PreTrainedTokenizerFast, ours: Tokenizer) -> None:
    with (
        CompletionsServer(theirs, lambda prompt: f"+{NEW}\n     return 3\n") as server,
        closing(connected(server, ours)) as remote,
    ):
        found = pipeline(remote, with_rules=True).next_edits(REQUEST)
        assert not asked(server) and found.trace.sent == ()
    assert {each.source for each in found.proposals} == {"token rule"}, "rules go on"


def test_what_is_unlikely_is_not_shown(server: CompletionsServer, ours: Tokenizer) -> None:
    server.reply = lambda prompt: "+" + " ".join("abcdefgh") + "\n     return 3\n"
    unlikely = [replace(site, score=0.2) for site in SITES]
    with closing(connected(server, ours)) as remote:
        found = pipeline(remote, unlikely).next_edits(REQUEST)
    assert not found.proposals and "not sure enough" in found.why_none


def test_where_the_server_scores_given_text_the_gate_asks_what_it_asks_a_local_model(
    server: CompletionsServer, ours: Tokenizer
) -> None:
    change = LineChange("boxes.py", 5, (OLD,), (NEW,))

    def scores(tokens: list[str]) -> list[float]:
        is_new = f"+{NEW}\n" in "".join(tokens)
        return [-(number + 1) / 1000 * (1 if is_new else 2) for number in range(len(tokens))]

    server.scores = scores
    with closing(connected(server, ours)) as remote:
        edits = EditServer(remote)
        told = ServerLikelihoods(edits).of(REQUEST, change, never)
        session = remote.ask(_session, never)
        place = session, REQUEST, "boxes.py", 5
        before, gone = len(diff_prompt(*place).tokens), len(diff_prompt(*place, [OLD]).tokens)
        with_new = len(diff_prompt(*place, [OLD], come=[NEW], keeps=True).tokens)
        with_old = len(diff_prompt(*place, [OLD], come=[OLD], keeps=True).tokens)
        assert told is not None
        assert told.place == pytest.approx(-(before + 1) / 1000 + 2 * (before + 1) / 1000)
        assert told.new == pytest.approx(-sum(range(gone + 1, with_new + 1)) / 1000)
        assert told.old == pytest.approx(-2 * sum(range(gone + 1, with_old + 1)) / 1000)
        assert told.num_changed < with_new - gone
        assert len(edits.take_sent()) == 3 and edits.take_sent() == ()

        server.scores = lambda tokens: [-0.01 if f"+{NEW}\n" in "".join(tokens) else -5.0 for _ in tokens]
        found = pipeline(remote, with_rules=True).next_edits(REQUEST, most=1)
        assert found.proposals[0].source == "token rule" and found.trace.sent, "the server agreed"
        server.scores = lambda tokens: [-0.1 if f"+{NEW}\n" not in "".join(tokens) else -6.0 for _ in tokens]
        assert not pipeline(remote, with_rules=True).next_edits(REQUEST, most=1).proposals


async def _session(session: object, patience: Patience) -> object:
    return session


@pytest.mark.parametrize(
    ("case", "asked_about"),
    [
        ("another repository", set[str]()),
        ("the place's file stays", {"order.py"}),
        ("the edited file stays", set[str]()),
        ("untitled", set[str]()),
        ("everything may go", {"boxes.py", "order.py"}),
    ],
)
def test_what_must_not_leave_does_not(
    server: CompletionsServer, ours: Tokenizer, case: str, asked_about: set[str]
) -> None:
    second = LineChange("order.py", 0, ("def weight(width, height):",), ("def weight(width, height, scale):",))
    request = replace(REQUEST, history=(EDIT, second))
    options: dict[str, object] = {"repositories": ("/src/mine",)}
    sites = SITES
    match case:
        case "another repository":
            options = {"repositories": ("/src/theirs",)}
        case "the place's file stays":
            options["keeps_here"] = lambda each: "a file of keys" if each.path == "boxes.py" else None
        case "the edited file stays":
            request = replace(request, history=(EDIT,))
            options["keeps_here"] = lambda each: "a file of keys" if each.path == "boxes.py" else None
        case "untitled":
            request = replace(request, has_file=False, history=(EDIT,))
        case _:
            pass
    with closing(connected(server, ours, **options)) as remote:
        found = pipeline(remote, sites).next_edits(request)
    prompts = asked(server)
    places = {prompt.rpartition("+++ b/")[2].partition("\n")[0] for prompt in prompts}
    assert places == asked_about == {each.change.path for each in found.proposals}
    if asked_about == {"order.py"}:
        assert all("boxes.py" not in prompt and "def area" not in prompt for prompt in prompts), "nor its edits"


def test_keys_and_passwords_are_asterisks_and_no_place_with_one_is_asked_about(
    server: CompletionsServer, ours: Tokenizer
) -> None:
    near = BOXES.replace("    return scale * width * height\n", f"    key = '{KEY}'\n")
    edit = replace(EDIT, old=(f"def area(width, height):  # {KEY}",))
    request = replace(REQUEST, history=(edit,), files={**REQUEST.files, "boxes.py": near})
    sites = (*SITES, Site("boxes.py", 1, 2, 0.9, "near", "beside the edit"))
    with closing(connected(server, ours)) as remote:
        found = pipeline(remote, sites).next_edits(request)
    assert len(asked(server)) == 2 and {each.change.start_line for each in found.proposals} == {5, 1}
    assert "key = '****" in asked(server)[0]
    assert all(KEY.encode() not in received for received in server.received)


def test_a_text_that_cannot_be_cleared_stays(server: CompletionsServer, ours: Tokenizer) -> None:
    with closing(connected(server, ours, redactors=Redactors(snippet=lambda snippet: None))) as remote:
        found = pipeline(remote, with_rules=True).next_edits(REQUEST)
    assert not asked(server) and {each.source for each in found.proposals} == {"token rule"}


def test_while_the_server_is_away_rules_propose(server: CompletionsServer, ours: Tokenizer) -> None:
    server.stop()
    with closing(connected(server, ours)) as remote:
        found = pipeline(remote, with_rules=True).next_edits(REQUEST)
        assert remote.problem is None or "away" in remote.problem
    assert [each.source for each in found.proposals] == ["token rule", "token rule"]


def test_a_superseded_question_ends_and_its_request_is_closed(server: CompletionsServer, ours: Tokenizer) -> None:
    with closing(connected(server, ours, patience=Patience(30.0, 60.0, 0))) as remote:
        pipeline(remote).next_edits(REQUEST)
        before = len(server.requests)
        server.faults.append(Hang())
        with pytest.raises(Cancelled):
            ServerDiffProposer(EditServer(remote)).propose(REQUEST, SITES[0], lambda: len(server.requests) > before)
