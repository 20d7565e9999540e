"""One document's snippets: the word being typed, what is given again, what was late, what stays, what is ahead."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

import pytest

from codeassist.completion.document_state import Draft, SnippetPolicy, arranged, before_typed_word, shows_the_same
from codeassist.document import TextEdit
from codeassist.request import CompletionRequest, Retrieval, Snippet


@dataclass
class Basis:
    """Holds until it does not."""

    is_same: bool = True

    def holds(self) -> bool:
        return self.is_same


@dataclass
class Asked:
    """A retriever that finds what it was asked for last, or what `says` says, and remembers all."""

    says: Retrieval | None = None
    basis: Basis | None = field(default_factory=Basis)
    requests: list[CompletionRequest] = field(default_factory=list[CompletionRequest])

    def retrieve(self, request: CompletionRequest, max_chars: int) -> Retrieval:
        self.requests.append(request)
        found = self.says or Retrieval((window("b.py", len(self.requests), text=request.prefix),), {"bm25": 1.0})
        return replace(found, basis=self.basis)

    @property
    def prefixes(self) -> list[str]:
        return [request.prefix for request in self.requests]


def window(path: str, start: int, end: int | None = None, text: str | None = None) -> Snippet:
    end = start + 1 if end is None else end
    lines = "".join(f"line {number}\n" for number in range(start, end))
    return Snippet(path, lines if text is None else text, start, end, "bm25", 1.0, "")


def at(prefix: str, suffix: str = "]\ny = 1\n") -> CompletionRequest:
    return CompletionRequest("a.py", prefix, suffix)


def test_what_a_prefix_is_without_its_word() -> None:
    for prefix, expected in (
        ("", ""),
        ("foo", ""),
        ("a.", "a."),
        ("a.bc1_", "a."),
        ("x = größ", "x = "),
        ("変数", ""),
        ("a\n", "a\n"),
        ("f(" + "n" * 500, "f(" + "n" * 300),
    ):
        assert before_typed_word(prefix) == expected


def test_a_question_is_asked_once_while_its_basis_holds() -> None:
    policy, asked = SnippetPolicy(), Asked()
    first = policy.retrieve(at("x = fo"), 400, asked)
    for prefix in ("x = foo", "x = ", "x = f"):
        again = policy.retrieve(at(prefix), 400, asked)
        assert (again.snippets, again.stage_ms) == (first.snippets, {"same_word": 0.0})
    assert asked.prefixes == ["x = "]
    for request, max_chars in ((at("x = f"), 300), (at("x = f("), 300), (at("x = f(", ""), 300), (at("x = f("), 300)):
        policy.retrieve(request, max_chars, asked)
    assert asked.prefixes[1:] == ["x = ", "x = f(", "x = f(", "x = f("]
    other = Asked()
    policy.retrieve(at("x = f("), 300, other)
    assert other.prefixes == ["x = f("], "what another retriever found is not its answer"
    assert other.basis is not None
    other.basis.is_same = False
    policy.retrieve(at("x = f("), 300, other)
    assert len(other.prefixes) == 2


def test_without_a_basis_everything_is_asked() -> None:
    policy, asked = SnippetPolicy(), Asked(basis=None)
    for _ in range(3):
        policy.retrieve(at("x = "), 400, asked)
    assert len(asked.prefixes) == 3


def test_what_was_late_is_asked_again_and_the_best_answer_counts() -> None:
    late_twice = Retrieval((window("b.py", 1),), late_sources=("bm25", "folder"))
    late = Retrieval((window("c.py", 1),), late_sources=("folder",))
    whole = Retrieval((window("d.py", 1),))
    policy, asked = SnippetPolicy(), Asked()
    for says, expected in (
        (late_twice, late_twice),
        (replace(late_twice, snippets=()), late_twice),  # no better: the first stays
        (late, late),
        (late_twice, late),
        (whole, whole),
        (late, whole),
    ):
        asked.says = says
        found = policy.retrieve(at("x = f"), 400, asked)
        assert (found.snippets, found.late_sources) == (expected.snippets, expected.late_sources)
    assert len(asked.requests) == 5, "nothing was late any more"
    assert asked.basis is not None
    asked.basis.is_same = False
    assert policy.retrieve(at("x = f"), 400, asked).snippets == late.snippets


def test_alternatives_see_what_the_first_answer_saw() -> None:
    asked = Asked(Retrieval((window("b.py", 1, 11), window("c.py", 1)), late_sources=("folder",)), basis=None)
    policy = SnippetPolicy()
    first = policy.retrieve(at("x = f"), 400, asked)
    asked.says = Retrieval(())
    for alternative in (1, 2):
        again = policy.retrieve(replace(at("x = f"), alternative=alternative), 400, asked)
        assert (again.snippets, again.late_sources) == (first.snippets, ("folder",))
    assert policy.retrieve(replace(at("x = ("), alternative=1), 400, asked).snippets == ()


def test_the_first_snippets_keep_their_order() -> None:
    found = (window("b.py", 1, 11), window("c.py", 1, 11))
    assert arranged((), found) == found


def test_a_window_that_slides_stays_where_it_stood() -> None:
    policy = SnippetPolicy()
    first = policy.arrange([window("b.py", 10, 30), window("c.py", 1, 11)])
    for shift in (1, -2, 3, 0):
        assert policy.arrange([window("c.py", 1, 11), window("b.py", 10 + shift, 30 + shift)]) == first
    now = replace(window("b.py", 10, 30), text="x\n" * 20)
    assert policy.arrange([now]) == (now,), "the file says something else there"
    assert not shows_the_same(window("b.py", 10, 30), now)


def test_new_ones_come_first_and_what_stands_is_told() -> None:
    asked, policy = Asked(), SnippetPolicy()
    b, c, d = (window(f"{name}.py", 1, 11) for name in "bcd")
    for prefix, found, expected in (("x(", (b, c), (b, c)), ("y(", (d, c, b), (d, b, c)), ("z(", (d, c), (d, c))):
        asked.says = Retrieval(found)
        assert policy.retrieve(at(prefix), 400, asked).snippets == expected
    assert [request.standing for request in asked.requests] == [(), (b, c), (d, b, c)]
    policy.find(at("w("), 400, asked)
    policy.find(at("v("), 400, asked)
    assert asked.requests[-1].standing == (d, c), "only looking changes nothing"


def test_any_arrangement_shows_all_that_was_found_once() -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    rng = random.Random(seed)
    standing: tuple[Snippet, ...] = ()
    for _ in range(200):
        starts = {rng.choice("bcd") + ".py": 1 + rng.randrange(60) for _ in range(3)}
        found = [window(path, start, start + 20) for path, start in starts.items()]
        rng.shuffle(found)
        former, standing = standing, arranged(standing, found)
        assert len(standing) == len(found)
        assert all(any(shows_the_same(each, one) for one in found) for each in standing)
        kept = [former.index(each) for each in standing if each in former]
        assert kept == sorted(kept) and all(each in former or each in found for each in standing)
        assert standing[len(standing) - len(kept) :] == tuple(former[number] for number in kept)


def test_windows_that_overlap_hold_what_is_found_and_nothing_else() -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    rng = random.Random(seed)
    policy = SnippetPolicy()
    for _ in range(300):
        found: list[Snippet] = []
        for _ in range(rng.randrange(9)):
            start = rng.randrange(1, 150)
            found.append(window(rng.choice("bcd") + ".py", start, start + rng.randrange(1, 25)))
        stands = policy.arrange(found)
        assert len(stands) <= len(found) and len({id(each) for each in stands}) == len(stands)
        assert all(any(shows_the_same(each, one) for one in found) for each in stands)
        assert all(any(shows_the_same(each, one) for each in stands) for one in found)


DRAFT = Draft(at("x = "), TextEdit(4, 5, "area(points)"))


@pytest.mark.parametrize(
    ("prefix", "suffix"),
    [
        ("x = ", "]\ny = 1\n"),  # the same place
        ("x = area(", "]\ny = 1\n"),  # some of it typed
        ("x = area(points)", "]\ny = 1\n"),
        ("x = area(points)", "\ny = 1\n"),  # taken, in the place of the bracket
    ],
)
def test_what_was_looked_up_ahead_serves_who_types_along(prefix: str, suffix: str) -> None:
    policy, asked = SnippetPolicy(), Asked()
    assert policy.look_ahead(DRAFT, 400, asked)
    found = policy.retrieve(at(prefix, suffix), 400, asked)
    assert found.snippets[0].text == "x = area(points)" and found.stage_ms == {"second_look": 0.0}
    assert asked.prefixes == ["x = area(points)"]
    assert not policy.look_ahead(DRAFT, 400, asked), "it is ready"


@pytest.mark.parametrize(
    ("path", "prefix", "suffix", "max_chars"),
    [
        ("b.py", "x = ", "]\ny = 1\n", 400),
        ("a.py", "x = b.", "]\ny = 1\n", 400),  # something else was typed
        ("a.py", "x =", "]\ny = 1\n", 400),  # something was deleted
        ("a.py", "x = area(points) + ", "]\ny = 1\n", 400),
        ("a.py", "x = area(", "]\ny = 2\n", 400),
        ("a.py", "x = area(", "]\ny = 1\n", 399),  # there is less room
    ],
)
def test_anything_else_is_asked(path: str, prefix: str, suffix: str, max_chars: int) -> None:
    policy, asked = SnippetPolicy(), Asked()
    policy.look_ahead(DRAFT, 400, asked)
    policy.retrieve(CompletionRequest(path, prefix, suffix), max_chars, asked)
    assert asked.prefixes[1:] == [prefix]


def test_what_was_ahead_goes_with_its_basis_and_its_retriever_and_serves_once_if_late() -> None:
    policy, asked, other = SnippetPolicy(), Asked(), Asked()
    policy.look_ahead(DRAFT, 400, asked)
    policy.find(at("x = area("), 400, other)
    assert other.prefixes == ["x = area("], "other settings"
    assert asked.basis is not None
    asked.basis.is_same = False
    policy.find(at("x = area("), 400, asked)
    assert asked.prefixes[1:] == ["x = area("]
    asked.basis.is_same = True
    late = Asked(Retrieval((window("b.py", 1),), late_sources=("folder",)))
    for _ in range(2):
        assert policy.look_ahead(DRAFT, 400, late), "it is looked for again"
    found = policy.find(at("x = area("), 400, late)
    assert found.late_sources == ("folder",) and len(late.prefixes) == 2
    policy.find(at("x = area("), 400, late)
    assert late.prefixes[2:] == ["x = area("]


def test_what_a_prompt_was_given_is_found_again_or_not() -> None:
    policy, asked = SnippetPolicy(), Asked()
    request = at("x = f(")
    policy.retrieve(request, 400, asked)
    seen = policy.seen
    assert policy.would_see(request, seen, asked) is seen and len(asked.prefixes) == 1
    asked.basis = Basis()
    former = seen.basis
    assert isinstance(former, Basis)
    former.is_same = False
    asked.says = Retrieval((window("b.py", 1, text="x = f("),))
    now = policy.would_see(request, seen, asked)
    assert now is not None and now.digest == seen.digest and now.basis is asked.basis
    asked.basis.is_same = False
    asked.says = Retrieval((window("b.py", 1, text="x = g("),))
    assert policy.would_see(request, now, asked) is None


def test_what_was_late_for_a_prompt_is_looked_for_again_before_its_answer_is_given_again() -> None:
    policy, asked = SnippetPolicy(), Asked(Retrieval((), late_sources=("bm25", "folder")))
    request = at("x = f(")
    policy.retrieve(request, 400, asked)
    seen = policy.would_see(request, policy.seen, asked)
    assert seen is not None and len(asked.prefixes) == 2, "as little as before, and asked again"
    asked.says = Retrieval((window("b.py", 1),))
    assert policy.would_see(request, seen, asked) is None and len(asked.prefixes) == 3
