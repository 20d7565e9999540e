"""What can be written under the monitor of names is exactly what may stand there, however tokens cut it up."""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from itertools import pairwise
from math import inf, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codeassist.monitor.monitor import num_permitted
from codeassist.monitor.name_monitor import NameMonitor
from codeassist.monitor.name_set import LIKELY_NATS
from codeassist.request import AllowedNames, NameKind, NamePosition
from codeassist.tokenization.byte_trie import NOT_AFTER_NAME, ByteTrie, build_arrays
from tests.monitor.fakes import TINY, TOKENIZERS, Guesses, Raises, Says, SaysOnce, at_once, monitor_of, tokenizer

NAME = st.text(alphabet="abcegrstuvxzABR_019éß日数", min_size=1, max_size=7).filter(str.isidentifier)
NAMES = st.sets(NAME | st.sampled_from(["self", "read_lines", "append", "x", "größe", "数据", "values"]), max_size=7)
LOGPROB = -0.5  # of whatever token is asked about
LEADS: dict[str, NameKind] = {"x.": "member", "p->": "member", "from m import ": "import", "y = new ": "class"}


def write(monitor: NameMonitor, tokens: Sequence[int]) -> bool:
    """Write what is not objected to; return whether all of it could be."""
    for token in tokens:
        if monitor.objection(token, LOGPROB) is not None:
            return False
        monitor.accept(token)
    return True


def cuts(name: str, text: str, rng: random.Random) -> list[int]:
    """Tokens for a text, cut at random places, within characters too."""
    tokens = tokenizer(name)
    data = text.encode()
    by_bytes: dict[bytes, int] = {}
    for token in range(tokens.vocab_size):
        by_bytes.setdefault(tokens.token_bytes(token), token)
    ids: list[int] = []
    while data:
        lengths = [length for length in range(1, len(data) + 1) if data[:length] in by_bytes]
        length = rng.choice(lengths)
        ids.append(by_bytes[data[:length]])
        data = data[length:]
    return ids


@pytest.mark.slow
@pytest.mark.parametrize("name", TOKENIZERS)
def test_what_can_be_written_is_exactly_the_set(name: str) -> None:
    """From each beginning of a name, the mask allows a token if and only if a name goes on or ends with it."""
    tokens = tokenizer(name)
    spelled = [tokens.token_bytes(token) for token in range(tokens.vocab_size)]

    @settings(max_examples=1 if name.startswith("real") else 6, print_blob=True, deadline=None)
    @given(NAMES, st.integers(0, 9999))
    def check(names: set[str], seed: int) -> None:
        rng = random.Random(seed)
        whole = sorted(each.encode() for each in names)
        beginnings = sorted({each[:length] for each in whole for length in range(len(each) + 1)})
        for beginning in beginnings if len(spelled) < 10_000 else rng.sample(beginnings, min(2, len(beginnings))):
            rests = [each[len(beginning) :] for each in whole if each.startswith(beginning)]
            expected = {
                token
                for token, data in enumerate(spelled)
                if (not data and b"" in rests)
                or (data and any(rest.startswith(data) for rest in rests))
                or (data and any(data.startswith(r) and data[len(r)] not in NOT_AFTER_NAME for r in rests if r != data))
            }
            monitor = monitor_of(name, SaysOnce(member=names), "x.")
            assert (
                write(monitor, cuts(name, beginning.decode("utf-8", "surrogateescape"), rng))
                if _whole(beginning)
                else write(monitor, _byte_tokens(name, beginning))
            )
            wrong = next((token for token in range(len(spelled)) if token not in expected), None)
            mask = None if wrong is None else monitor.objection(wrong, LOGPROB)
            assert mask is not None, "there is always a token that begins no name"
            assert set(np.flatnonzero(mask.allowed).tolist()) == expected
            for token in rng.sample(range(len(spelled)), 60):
                assert (monitor.objection(token, LOGPROB) is None) == (token in expected)

    check()


def _whole(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _byte_tokens(name: str, data: bytes) -> list[int]:
    tokens = tokenizer(name)
    single = {tokens.token_bytes(token): token for token in range(tokens.vocab_size)}
    return [single[bytes((byte,))] for byte in data]


@pytest.mark.parametrize("name", TINY)
@pytest.mark.parametrize("lead", LEADS)
def test_any_cut_of_an_allowed_name_passes_and_no_other_name_does(name: str, lead: str) -> None:
    @settings(max_examples=15, print_blob=True, deadline=None)
    @given(NAMES, NAME, st.sampled_from(["(", ".", ")", " ", ", ", "\n", "[0]", ":"]), st.integers(0, 9999))
    def check(names: set[str], other: str, end: str, seed: int) -> None:
        rng = random.Random(seed)
        analysis = Says(lambda text: None, **{LEADS[lead]: names})
        for each in sorted(names):
            assert write(monitor_of(name, analysis, lead), cuts(name, each + end, rng))
            # The place may be come to within a token: `.name(` is one in many vocabularies.
            assert write(monitor_of(name, analysis, ""), cuts(name, lead + each + end, rng))
        if other not in names and names:
            assert not write(monitor_of(name, analysis, lead), cuts(name, other + end, rng))
            assert not write(monitor_of(name, analysis, ""), cuts(name, lead + other + end, rng))

    check()


WORDS = [b"limit", b"other", b"s", b"x", b"name=", b"key=", b"limits=", b"(x", b" ==", b"==", b"=>", b" =", b" => "]
WORDS += [b", ", b", x", b", k", b', "', b",\n", b" x", b"()", b"(x", b"*x", b"x,"]


def keyword_monitor(
    with_comparisons: bool = True, analysis: Says | None = None, prefix: str = "f("
) -> tuple[NameMonitor, list[bytes]]:
    """A monitor over all bytes and a few words."""
    spelled = [bytes((byte,)) for byte in range(256)] + [w for w in WORDS if with_comparisons or b"==" not in w]
    vocabulary = ByteTrie(build_arrays(enumerate(spelled), len(spelled)))
    said = analysis or Says(keyword=["limit", "key"])
    return NameMonitor(said, prefix, "", vocabulary, spelled.__getitem__, at_once, 1.0, lambda error: None), spelled


def test_a_keyword_must_be_one_but_any_expression_may_stand_there() -> None:
    def goes(*tokens: bytes, with_comparisons: bool = True) -> bool:
        monitor, spelled = keyword_monitor(with_comparisons)
        return write(monitor, [spelled.index(token) for token in tokens])

    assert goes(b"limit", b"=", b"3", b")") and goes(b"l", b"i", b"m", b"i", b"t", b"=") and goes(b"key=")
    assert goes(b"x", b",", b" ", b"key=") and goes(b"limit", b" =", b" ", b"3") and goes(b"other", b".", b"x")
    assert goes(b"other", b" ==", b" ") and goes(b"other", b"==") and goes(b"x", b"=>") and goes(b"x", b" => ")
    assert not goes(b"other", b"=") and not goes(b"limit", b"s", b"=") and not goes(b"name=") and not goes(b"limits=")
    assert not goes(b"other", b" =") and not goes(b"x", b",", b" ", b"name=")
    assert goes(b"other", b"=", b"=", with_comparisons=False)

    monitor, spelled = keyword_monitor()
    assert write(monitor, [spelled.index(b"other")])
    mask = monitor.objection(spelled.index(b"="), LOGPROB)
    assert mask is not None
    barred = {spelled[token] for token in np.flatnonzero(~mask.allowed)}
    assert barred == {b"=", b" ="}


def test_an_objection_after_a_lead_leaves_everything_else() -> None:
    tokens = tokenizer("real qwen")
    monitor = monitor_of("real qwen", Says(member=["config", "ähnlich"]), "return self")
    (wrong,), (right,) = tokens.encode(".name"), tokens.encode(".config")
    assert monitor.objection(right, LOGPROB) is None and monitor.objection(tokens.encode(" +")[0], LOGPROB) is None
    mask = monitor.objection(wrong, LOGPROB)
    assert mask is not None and not mask.allowed[wrong]
    allowed = {tokens.token_bytes(int(token)) for token in np.flatnonzero(mask.allowed)}
    assert {b".config", b".", b".c", b".con", b" +", b"(", b"...", b".\n", b"name"} <= allowed
    assert not {b".names", b".append", b".conf1"} & allowed


def test_what_stands_after_the_cursor_may_end_the_name() -> None:
    tokens = tokenizer("qwen2")
    stop = tokens.special["<|endoftext|>"]
    monitor = monitor_of("qwen2", Says(member=["read_lines", "amount"]), "x.re", "_lines()")
    assert write(monitor, tokens.encode("ad")) and monitor.objection(stop, LOGPROB) is None
    half = monitor_of("qwen2", Says(member=["read_lines"]), "x.re", "()")
    assert half.objection(stop, LOGPROB) is not None
    assert write(half, tokens.encode("ad_lines")) and half.objection(stop, LOGPROB) is None


def test_names_that_do_not_fit_or_fail_are_no_reason_to_object() -> None:
    raised: list[Exception] = []
    tokens = tokenizer("qwen2")
    for analysis in (Says(member=None), Says(member=[]), Says(member=["append"]), Raises(member=["x"])):
        monitor = monitor_of("qwen2", analysis, "x.zzz", trouble=raised.append)
        assert write(monitor, tokens.encode("qq(1)"))
        assert {act.outcome for act in monitor.acts()} == {"abstained"}
    assert [type(error) for error in raised] == [RecursionError]


def test_a_draft_that_is_rolled_back_leaves_no_trace() -> None:
    """Random drafts in between change neither what is objected to nor what is told."""
    rng = random.Random(20261121)
    tokens = tokenizer("qwen2")
    answer = tokens.encode("append(self.key, values.größe)")
    analysis = Says(member=["append", "key", "keys", "größe"])
    plain, drafted = (monitor_of("qwen2", analysis, "x.") for _ in range(2))
    for token in answer:
        drafted_tokens = tokens.encode(rng.choice(["append(a.key", "key.nothing", "zzz", ".keys", "ö.ä"]))
        num = num_permitted(drafted, drafted_tokens)
        assert num == len(drafted_tokens) or drafted.objection(drafted_tokens[0], LOGPROB) is not None or num > 0
        for probe in rng.sample(range(tokens.vocab_size), 30):
            assert (plain.objection(probe, LOGPROB) is None) == (drafted.objection(probe, LOGPROB) is None)
        plain.accept(token)
        drafted.accept(token)
    assert [act.name for act in plain.acts() if act.name] == [act.name for act in drafted.acts() if act.name]


def test_what_was_done_is_told_place_by_place() -> None:
    tokens = tokenizer("real qwen")
    analysis = Says(member=["append", "apply", "extend"], keyword=["key"])
    monitor = monitor_of("real qwen", analysis, "x.ap")
    (wanted,) = tokens.encode("pa")
    assert monitor.objection(wanted, LOGPROB) is not None
    assert write(monitor, tokens.encode("pend(self.extend, key=3)"))
    first, second, third = sorted(monitor.acts(), key=lambda act: act.char)
    assert (first.char, first.kind, first.outcome, first.name, first.wanted) == (
        -2,
        "member",
        "overruled",
        "append",
        "pa",
    )
    assert first.num_allowed == 3 and first.some == ("append", "apply") and first.source == "test"
    assert (second.name, second.outcome, second.char) == ("extend", "agreed", len("pend(self."))
    assert (third.kind, third.name, third.outcome) == ("keyword", "key", "agreed")


def test_likely_names_weigh_and_forbid_nothing() -> None:
    tokens = tokenizer("real qwen")
    (wanted,), (stop,) = tokens.encode("pa"), tokens.encode("(")
    monitor = monitor_of("real qwen", Guesses(member=["append", "apply"]), "x.ap")
    mask = monitor.objection(wanted, LOGPROB)
    assert mask is not None and mask.cost == LIKELY_NATS and not mask.allowed[wanted]
    monitor.accept(wanted)  # worth its cost: what follows is nobody's business
    assert write(monitor, [*tokens.encode("rt"), stop])
    (act,) = monitor.acts()
    assert (act.outcome, act.strength, act.name, act.wanted) == ("outweighed", "likely", "appart", "pa")
    swayed = monitor_of("real qwen", Guesses(member=["append", "apply"]), "x.ap")
    assert swayed.objection(wanted, LOGPROB) is not None
    assert write(swayed, [*tokens.encode("pend"), stop])
    assert [(each.outcome, each.name) for each in swayed.acts()] == [("overruled", "append")]
    assert not any(each.is_suspect for each in (*monitor.acts(), *swayed.acts()))


@pytest.mark.parametrize(("probability", "is_suspect"), [(0.95, True), (0.6, False)])
def test_a_forbidden_name_of_which_the_model_was_sure_is_suspect(probability: float, is_suspect: bool) -> None:
    tokens = tokenizer("real qwen")
    (wanted,) = tokens.encode("pa")
    monitor = monitor_of("real qwen", Says(member=["append", "apply"]), "x.ap")
    mask = monitor.objection(wanted, log(probability))
    assert mask is not None and mask.cost == inf
    assert monitor.objection(tokens.encode("x")[0], log(0.99)) is not None  # the second is not the model's own
    (act,) = monitor.acts()
    assert act.is_suspect is is_suspect and act.wanted_probability == pytest.approx(probability)


def test_what_forbids_a_token_goes_before_what_weighs_against_it() -> None:
    class Both(Says):
        def names(self, text: str, place: NamePosition) -> AllowedNames | None:
            found = super().names(text, place)
            return found if found is None or text.endswith(".") else replace(found, strength="likely")

    spelled = [bytes((byte,)) for byte in range(256)] + [b"b.c", b"a.c", b"b.a", b"a.a"]
    vocabulary = ByteTrie(build_arrays(enumerate(spelled), len(spelled)))
    analysis = Both(member=["a"])
    analysis.allowed["import"] = ["a"]
    monitor = NameMonitor(
        analysis, "from m import ", "", vocabulary, spelled.__getitem__, at_once, 1.0, lambda error: None
    )
    costs = [monitor.objection(spelled.index(token), LOGPROB) for token in (b"b.c", b"a.c", b"b.a", b"a.a")]
    assert [None if each is None else each.cost for each in costs] == [inf, inf, LIKELY_NATS, None]


def test_each_place_is_asked_about_once() -> None:
    tokens = tokenizer("qwen2")
    analysis = Says(member=["most_common", "get"])
    monitor = monitor_of("qwen2", analysis, "a.")
    assert write(monitor, tokens.encode("most_common(b.get, c.get)"))
    texts = [text for text, _ in analysis.asked]
    assert texts == ["a.", "a.most_common(b.", "a.most_common(b.get, c."]
    assert all(one < other for one, other in pairwise(map(len, texts)))


def test_a_call_takes_no_more_arguments_than_it_has_room_for() -> None:
    def room(text: str) -> int:
        return max(0, 2 - text.count(","))

    def goes(*tokens: bytes, names: Sequence[str] = (), prefix: str = "f(") -> bool:
        monitor, spelled = keyword_monitor(analysis=Says(room, keyword=names), prefix=prefix)
        return write(monitor, [spelled.index(token) for token in tokens])

    assert goes(b"x", b", ", b"x", b")") and goes(b"x", b", x", b")") and goes(b"3", b",", b" x", b")")
    for third in ([b","], [b", "], [b", x"], [b', "'], [b"x,"]):
        assert not goes(b"x", b",", b"x", *third), third
    assert goes(b"x", b", ", b"x", b")", b",", b"x"), "a comma after the call is none of it"
    named: tuple[bytes, ...] = (b"x", b", ", b"x", b", ")
    assert goes(*named, b"k", b"e", b"y", b"=", b"3", names=["key"]) and goes(*named, b"key=", names=["key"])
    assert goes(*named[:3], b", k", names=["key"]) and not goes(*named[:3], b", x", names=["key"])
    assert (
        goes(*named, b")", names=["key"]) and goes(*named, b"*x", names=["key"]) and goes(*named, b"\n", names=["key"])
    )
    for wrong in (b"x", b"3", b'"', b"(", b"[", b"limit", b" x"):
        assert not goes(*named, wrong, names=["key"]), wrong
    # Over several lines, a comma at the end is how many people write calls: what may not follow it is an argument.
    over_lines = "f(\n    x,\n    y"
    assert goes(b",", prefix=over_lines) and goes(b",\n", b")", prefix=over_lines)
    assert not goes(b",", b"x", prefix=over_lines) and not goes(b",\n", b"x", prefix=over_lines)


def test_a_refused_argument_leaves_the_end_of_the_call_and_is_told() -> None:
    monitor, spelled = keyword_monitor(analysis=Says(lambda text: 0, keyword=[]))
    mask = monitor.objection(spelled.index(b"x"), LOGPROB)
    assert mask is not None
    left = {spelled[token] for token in np.flatnonzero(mask.allowed)}
    assert {b")", b"*", b" ", b"\n", b"#"} <= left and not left & {b"x", b"limit", b"(", b"[", b'"', b"0", b"_"}
    (act,) = monitor.acts()
    assert (act.kind, act.outcome, act.wanted) == ("keyword", "overruled", "x")
    assert monitor.objection(spelled.index(b")"), LOGPROB) is None


def test_nobody_waits_to_hear_how_many_arguments_there_may_be() -> None:
    monitor, spelled = keyword_monitor(analysis=Says(lambda text: 0, keyword=[]))
    monitor.submit = lambda job: Future()
    monitor.close()
    monitor.accept(spelled.index(b"("))  # another call, about which the analysis has not said anything yet
    assert monitor.objection(spelled.index(b"x"), LOGPROB) is None
    assert monitor.waited_ms == 0.0
