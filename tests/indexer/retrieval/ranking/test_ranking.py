"""The ranker: its features, its file, the set that it chooses, and that without it completions have context too."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from codeassist.request import CompletionRequest, Snippet
from codeassist.settings import ContextSettings, Settings
from codeassist.settings.sections import standard_places
from codeassist_indexer.ingest.update import update_index
from codeassist_indexer.repository import open_retriever
from codeassist_indexer.retrieval.ranking.features import KINDS, NAMES, features, set_similarities
from codeassist_indexer.retrieval.ranking.ranker import (
    SHIPPED,
    Chooser,
    Ranker,
    RankerRefused,
    explained,
    load_ranker,
    ranker_in_force,
    tuned_path,
)
from codeassist_indexer.retrieval.ranking.selection import HEADER_CHARS, LABELS, Judgement, Rules, select
from codeassist_indexer.retrieval.retrieve import IndexRetriever
from codeassist_indexer.retrieval.sources.candidate import SOURCES, Candidate, Facts, Found
from codeassist_indexer.retrieval.vectors.matrix import LearnedSearch
from codeassist_indexer.storage.store import Store
from tests.indexer.retrieval.candidate_repositories import PYTHON

FACTS = Facts(None, False, True, 1, False, False, False, False, None)
REQUEST = CompletionRequest(
    "shop/cart.py", "from shop.store import Store\n\ndef total(store):\n    return store.pri", "\n"
)


def candidate(name: str, text: str, form: str = "lines", line: int = 1) -> Candidate:
    end = line + text.count("\n")
    snippet = Snippet(f"{name}.py", text, line, end, "definition" if form == "skeleton" else "bm25", 1.0, "a reason")
    return Candidate(snippet, "skeleton" if form == "skeleton" else "lines", name, (Found("bm25", 0, 2.0),), FACTS, 3)


def judged(*gains: float, labels: Sequence[str] = ()) -> Judgement:
    shares = np.full((len(gains), 3), 0.1, dtype=np.float32)
    for number, gain in enumerate(gains):
        wanted = labels[number] if labels else ("positive" if gain > 0 else "neutral")
        shares[number, LABELS.index(wanted)] = 0.8  # type: ignore[arg-type]
    return Judgement(np.array(gains, dtype=np.float32), shares)


def a_ranker(seed: int = 0, **metadata: str) -> Ranker:
    drawn = np.random.default_rng(seed)

    def some(*shape: int) -> NDArray[np.float32]:
        return drawn.normal(0, 0.4, shape).astype(np.float32)

    width = len(NAMES)
    mean, scale = some(width), (np.abs(some(width)) + 0.1).astype(np.float32)
    return Ranker(mean, scale, (some(width, 8), some(8, 4), some(4, 4)), (some(8), some(4), some(4)), metadata)


def column(rows: NDArray[np.float32], name: str) -> list[float]:
    return [round(float(value), 3) for value in rows[:, NAMES.index(name)]]


def test_features_say_what_stands_there() -> None:
    usage = candidate("usage", "def report(store):\n    print(store.price_of(item))\n")
    other = candidate("other", "class Window:\n    pass\n")
    store = candidate("Store", "class Store:\n    def price_of(self, item): ...\n", "skeleton")
    rows = features([usage, other, store], REQUEST)
    assert rows.shape == (3, len(NAMES)) and rows.dtype == np.float32 and np.isfinite(rows).all()
    assert column(rows, "uses_receiver") == [1, 0, 0]
    assert column(rows, "is_receiver") == [0, 0, 1]
    assert column(rows, "holds_begun_name") == [1, 0, 1]
    assert column(rows, "at_member") == [1, 1, 1]
    assert column(rows, "skeleton_at_member") == [0, 0, 1]
    continued = column(rows, "continues_tokens")  # "store.pri", nothing, "pri"
    assert continued[0] > continued[2] > continued[1] == 0 and column(rows, "continues_rare") == [1, 0, 1]
    assert column(rows, "bm25_found") == [1, 1, 1] and column(rows, "imported_found") == [0, 0, 0]
    assert column(rows, "similarity_rank") == [0, 0, 0]
    set_similarities(rows, np.array([0.2, 0.9, -0.1], dtype=np.float32))
    assert column(rows, "similarity_rank") == [0.5, 1, 0.333]
    assert column(rows, "similarity_to_best") == [-0.7, 0, -1]
    assert features([], REQUEST).shape == (0, len(NAMES))


def test_begun_and_shared_names_are_counted_as_one_by_one() -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    chooser = random.Random(seed)
    words = ["pri", "price", "price_of", "pr", "total", "Größe", "Gr", "x", "priced"]
    for _ in range(60):
        texts = [" ".join(chooser.choices(words, k=chooser.randrange(12))) + "\n" for _ in range(5)]
        begun, near = chooser.choice(words), chooser.sample(words, 3)
        request = CompletionRequest("a.py", f"{near[0]} = {near[1]}\n{begun}", f"\n{near[2]}\n")
        rows = features([candidate(f"c{number}", text) for number, text in enumerate(texts)], request)
        at_cursor = {name for name in (*near, begun) if len(name) >= 3}
        sets = [set(text.split()) for text in texts]
        goes_on = [any(name.startswith(begun) and name != begun for name in names) for names in sets]
        assert column(rows, "holds_begun_name") == goes_on
        shared = [len(at_cursor & names) / max(1, len(at_cursor | names)) for names in sets]
        assert column(rows, "jaccard_before") == pytest.approx(shared, abs=1e-3)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("", "line_start"), ("    ", "line_start"), ("store.", "member"), ("x = a->b", "member"), ("f(a, ", "argument"),
        ("x = f(g(1), ", "argument"), ("x = ", "value"), ("    return", "value"), ("from shop.", "import"),
        ("x", "other"), ("f(a) + ", "other"),
    ],
)  # fmt: skip
def test_the_kind_of_a_place(line: str, kind: str) -> None:
    rows = features([candidate("a", "text\n")], CompletionRequest("a.py", f"x = 1\n{line}", ""))
    assert [each for each in KINDS if column(rows, f"at_{each}") == [1]] == [kind]


def test_judging_equals_the_slow_form() -> None:
    seed = int(np.random.default_rng().integers(1 << 31))
    print(f"seed {seed}")
    ranker = a_ranker(seed)
    rows = np.random.default_rng(seed).normal(0, 20, (17, len(NAMES))).astype(np.float32)
    judgement = ranker.judge(rows)
    for row, gain, shares in zip(rows, judgement.gains, judgement.probabilities, strict=True):
        values = [min(6.0, max(-6.0, (x - m) * s)) for x, m, s in zip(row, ranker.mean, ranker.scale, strict=True)]
        sums = values
        for weight, bias in zip(ranker.weights, ranker.biases, strict=True):
            sums = [sum(v * w for v, w in zip(values, weight[:, n], strict=True)) + bias[n] for n in range(len(bias))]
            values = [max(0.0, value) for value in sums]
        out = np.array(sums, dtype=np.float64)
        assert gain == pytest.approx(np.sinh(np.clip(out[0], -6, 6)), rel=1e-3, abs=1e-3)
        wanted = np.exp(out[1:] - out[1:].max())
        assert shares == pytest.approx(wanted / wanted.sum(), rel=1e-3, abs=1e-4)


def test_a_ranker_is_written_and_read_the_same(tmp_path: Path) -> None:
    ranker = a_ranker(stop_gain="0.7", seed_of="3")
    for name in ("one", "two"):
        ranker.save(tmp_path / "deep" / name)
    assert (tmp_path / "deep" / "one").read_bytes() == (tmp_path / "deep" / "two").read_bytes()
    read = load_ranker(tmp_path / "deep" / "one")
    assert read.stop_gain == 0.7 and read.metadata["seed_of"] == "3"
    rows = np.ones((2, len(NAMES)), dtype=np.float32)
    assert (read.judge(rows).gains == ranker.judge(rows).gains).all()


def test_files_that_are_none_of_ours_are_refused(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    a_ranker(stop_gain="1").save(good)
    with safe_open(good, framework="numpy") as file:
        about = json.loads(file.metadata()["ranker"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118

    def refused(said: str) -> None:
        with pytest.raises(RankerRefused, match=said) as caught:
            load_ranker(bad)
        assert "codeassist tune" in str(caught.value) and "\n" not in str(caught.value)

    refused("no ranker can be read")
    bad.write_bytes(b"\x80\x04cposix\nsystem\n")
    refused("no ranker can be read")
    bad.write_bytes(good.read_bytes()[:300])
    refused("no ranker can be read")
    save_file(tensors, bad)
    refused("no ranker's file")
    save_file(tensors, bad, {"ranker": json.dumps({**about, "version": 99})})
    refused("another version")
    save_file(tensors, bad, {"ranker": json.dumps({**about, "features": [*NAMES[:-1], "another"]})})
    refused("another version")
    save_file({name: each for name, each in tensors.items() if name != "bias1"}, bad, {"ranker": json.dumps(about)})
    refused("bias1")
    save_file({**tensors, "weight1": tensors["weight1"][:, :2]}, bad, {"ranker": json.dumps(about)})
    refused("another version|without")
    save_file(tensors, bad, {"ranker": json.dumps({**about, "stop_gain": "much"})})
    refused("much")
    save_file({**tensors, "bias2": tensors["bias2"] * np.nan}, bad, {"ranker": json.dumps(about)})
    refused("no judgement")


def test_the_best_come_first_and_what_harms_not_at_all() -> None:
    texts = [candidate(name, f"{name}_first_line()\n{name}_second_line()\n") for name in ("a", "b", "c", "d")]
    chosen = select(
        texts,
        judged(1.0, 3.0, -0.5, 2.0, labels=["positive", "positive", "neutral", "negative"]),
        4_000,
        Rules(0.3, 0.3, True),
    )
    assert [each.snippet.path for each in chosen] == ["b.py", "a.py"]
    assert [each.label for each in chosen] == ["positive", "positive"]
    everything = select(texts, judged(1.0, 3.0, 0.1, 2.0, labels=["negative"] * 4), 4_000, Rules(0.0, 0.3, False))
    assert [each.snippet.path for each in everything] == ["b.py", "d.py", "a.py", "c.py"]
    assert select(texts, judged(-0.1, -3.0, -0.2, 0.0), 4_000) == []  # the stop candidate wins
    assert select([], judged(), 4_000) == []


def test_a_copy_of_what_is_chosen_is_worth_what_it_adds() -> None:
    text = "".join(f"    line_number_{number}()\n" for number in range(10))
    found = [candidate("first", text), candidate("copy", text + "    something_else()\n")]
    found.append(candidate("other", "other_line_of_code()\n"))
    chosen = select(found, judged(3, 2.9, 1), 9_000)
    assert [each.snippet.path for each in chosen] == ["first.py", "other.py", "copy.py"]
    assert chosen[2].gain == pytest.approx(2.9 / 11)
    chosen = select(found, judged(3, 2.9, 1), 9_000, Rules(0.3))
    assert [each.snippet.path for each in chosen] == ["first.py", "other.py"]


def test_the_budget_is_kept_and_small_ones_take_what_is_left() -> None:
    long = candidate("long", "".join(f"value_{number} = compute({number})\n" for number in range(100)))
    small = candidate("small", "a_small_helper = 1\n")
    for max_chars in (10, 100, 200, 1_000, 2_000, 5_000):
        chosen = select([long, small], judged(5, 1), max_chars)
        assert sum(len(each.snippet.text) + HEADER_CHARS for each in chosen) <= max_chars
        for each in chosen:
            assert each.snippet.text.endswith("\n")
            assert each.snippet.end_line == each.snippet.start_line + each.snippet.text.count("\n")
    assert [each.snippet.path for each in select([long, small], judged(5, 1), 200)] == ["small.py"]
    cut = select([long, small], judged(5, 1), 2_000)[0].snippet
    assert cut.path == "long.py" and len(cut.text) < len(long.snippet.text)


def test_what_stands_in_the_prompt_stays_unless_something_is_clearly_better() -> None:
    one, two = candidate("one", "first_text_here()\n"), candidate("two", "second_text_here()\n")
    both = judged(1.0, 1.1)
    room = len(two.snippet.text) + HEADER_CHARS
    assert [each.snippet.path for each in select([one, two], both, room)] == ["two.py"]
    standing = [one.snippet]
    assert [each.snippet.path for each in select([one, two], both, room, standing=standing)] == ["one.py"]
    assert [each.snippet.path for each in select([one, two], judged(1.0, 2.0), room, standing=standing)] == ["two.py"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = PYTHON.index(tmp_path)
    yield store
    store.close()


def test_the_retriever_takes_what_is_chosen(store: Store) -> None:
    chooser = Chooser(a_ranker(stop_gain="-100"), rules=Rules(-100, 0.3, False))
    retriever = IndexRetriever(store, "learned", chooser=chooser, search=LearnedSearch(store))
    found = retriever.retrieve(PYTHON.request, 3_000)
    assert found.snippets and found == retriever.retrieve(PYTHON.request, 3_000).__class__(
        found.snippets, found.stage_ms, found.late_sources
    )
    assert all("(expected gain " in snippet.reason for snippet in found.snippets)
    assert PYTHON.request.path not in {snippet.path for snippet in found.snippets}
    assert sum(len(snippet.text) + HEADER_CHARS for snippet in found.snippets) <= 3_000
    candidates = retriever.candidates(PYTHON.request).candidates
    wanted = [explained(each) for each in chooser.choose(PYTHON.request, candidates, 3_000)]
    assert list(found.snippets) == wanted and {"rank", "bm25"} <= found.stage_ms.keys()
    none = IndexRetriever(store, "learned", chooser=Chooser(a_ranker(), rules=Rules(1e9)), search=LearnedSearch(store))
    assert none.retrieve(PYTHON.request, 3_000).snippets == ()


def test_what_stands_in_the_last_prompt_is_kept(store: Store) -> None:
    rules = Rules(-100, 1_000, False)
    chooser = Chooser(a_ranker(4), rules=rules)
    candidates = IndexRetriever(store, search=LearnedSearch(store)).candidates(PYTHON.request).candidates
    first = tuple(each.snippet for each in chooser.choose(PYTHON.request, candidates, 900))
    moved = CompletionRequest(PYTHON.request.path, PYTHON.request.prefix + "\n\ndef other(", PYTHON.request.suffix)
    anew = {each.snippet for each in chooser.choose(moved, candidates, 900)}
    again = {each.snippet for each in chooser.choose(replace(moved, standing=first), candidates, 900)}
    assert set(first[:1]) <= again and again != anew


def test_without_a_ranker_learned_is_full(store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    full = IndexRetriever(store, "full").retrieve(PYTHON.request, 3_000).snippets
    assert IndexRetriever(store, "learned").retrieve(PYTHON.request, 3_000).snippets == full
    tuned_path(tmp_path, store.path).parent.mkdir()
    tuned_path(tmp_path, store.path).write_bytes(b"no ranker")
    with caplog.at_level(logging.WARNING):
        ranker = ranker_in_force(tmp_path, store.path)
    assert "codeassist tune" in caplog.text
    shipped = load_ranker() if SHIPPED.exists() else None
    assert (ranker is None) == (shipped is None)


def test_where_choosing_fails_rules_choose(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    ranker = a_ranker()
    broken = replace(ranker, mean=ranker.mean[:3])
    full = IndexRetriever(store, "full").retrieve(PYTHON.request, 3_000).snippets
    assert (
        IndexRetriever(store, "learned", chooser=Chooser(broken), search=LearnedSearch(store))
        .retrieve(PYTHON.request, 3_000)
        .snippets
        == full
    )
    assert "no ranked context for" in caplog.text


def test_a_repository_of_one_file_gives_nothing(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "only.py").write_text(REQUEST.prefix + REQUEST.suffix)
    store = Store(tmp_path / "index.db")
    update_index(store, tmp_path / "one")
    retriever = IndexRetriever(
        store, "learned", chooser=Chooser(a_ranker(), rules=Rules(-100, 0.3, False)), search=LearnedSearch(store)
    )
    assert retriever.retrieve(replace(REQUEST, path="only.py"), 3_000).snippets == ()
    store.close()


def test_copies_of_a_file_and_generated_code_do_not_crowd_the_prompt(tmp_path: Path) -> None:
    shapes = (
        "class Polygon:\n    def __init__(self, points):\n        self.points = points\n\n"
        "    def area(self):\n        return abs(sum(self.points)) / 2\n\n\n"
        "def polygon_area(points, closed=True):\n    return Polygon(points).area()\n"
    )
    app = "from shapes import Polygon\n\n\ndef main(points):\n    polygon = Polygon(points)\n    print(polygon."
    root = tmp_path / "repository"
    files = {"shapes.py": shapes, "app.py": app + "\n", **{f"old/v{n}/shapes.py": shapes for n in range(30)}}
    made = "".join(f"polygon_points_{n} = {{'points': [{n}], 'closed': True}}\n" for n in range(3_000))
    files["generated_pb2.py"] = f"# Generated by the protocol buffer compiler.  DO NOT EDIT!\n{made}"
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    store = Store(tmp_path / "index.db")
    update_index(store, root)
    found = IndexRetriever(store, "learned", chooser=Chooser(load_ranker()), search=LearnedSearch(store)).retrieve(
        CompletionRequest("app.py", app, "\n"), 4_000
    )
    texts = [snippet.text for snippet in found.snippets]
    assert any("def area(self)" in text for text in texts), "what the class has is shown"
    assert len(set(texts)) == len(texts) <= 3 and not found.late_sources
    store.close()


def test_a_repositorys_own_ranker_comes_before_the_shipped_one(store: Store, tmp_path: Path) -> None:
    places = replace(standard_places(), data=tmp_path)
    settings = Settings(context=ContextSettings(mode="learned"), places=places)
    a_ranker(stop_gain="-1000").save(tuned_path(tmp_path, store.path))
    ranker = ranker_in_force(tmp_path, store.path)
    assert ranker is not None and ranker.stop_gain == -1000
    found = open_retriever(store, settings, None).retrieve(PYTHON.request, 3_000)
    assert found.snippets and "rank" in found.stage_ms
    a_ranker(stop_gain="1e9").save(tuned_path(tmp_path, store.path))
    assert open_retriever(store, settings, None).retrieve(PYTHON.request, 3_000).snippets == ()


def test_the_sources_are_the_features_names() -> None:
    for source in set(SOURCES) - {"library"}:  # which the ranker sees as imported
        assert {f"{source}_found", f"{source}_rank", f"{source}_score"} <= set(NAMES)
    assert len(set(NAMES)) == len(NAMES)
