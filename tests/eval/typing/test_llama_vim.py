"""llama.vim without an editor: what it asks at a key, what it shows, when it waits, and which chunks it keeps."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from codeassist_eval.engines.llama_child import BATCH_TOKENS, infill_prompt, kept_lines
from codeassist_eval.typing.llama_ring import CHUNK_LINES, Ring, similarity, visited
from codeassist_eval.typing.llama_vim import Infill, LlamaVim, Place, known_rest, shown_of

LINES = [f"line {number}" for number in range(400)]
MARKS = {"rep": 1000, "sep": 1001, "pre": 1002, "suf": 1003, "mid": 1004}


def place(text: str) -> Place:
    at = text.index("│")
    return Place(text.replace("│", ""), at)


def test_a_place_is_256_lines_before_and_64_after() -> None:
    here = place("\n".join([*LINES[:300], "    foo(│)", *LINES[300:]]))
    assert here.prefix.split("\n") == [*LINES[44:300], ""]
    assert (here.middle, here.num_indent) == ("    foo(", 4)
    assert here.suffix.split("\n") == [")", *LINES[300:364], ""]


def test_a_blank_line_is_asked_from_its_start() -> None:
    here = place("def f():\n    │\n")
    assert (here.middle, here.behind, here.num_indent) == ("", "", 0)
    assert shown_of("    return 1", here) == "return 1"


def test_what_repeats_the_text_is_not_shown() -> None:
    assert shown_of("x)\n\n", place("f(│")) == "x)"
    assert shown_of(")", place("f(│)")) == ""
    assert shown_of("\n    b()\n", place("a()│\n    b()\n")) == ""
    assert shown_of("b()", place("│\n\nb()\nc()\n")) == ""
    assert shown_of("b()\nc()", place("│\n\nb()\nc()\n")) == ""
    assert shown_of("b()\nd()", place("│\n\nb()\nc()\n")) == "b()\nd()"
    assert shown_of("\n", place("│\n")) == shown_of("   ", place("x│\n")) == ""


def test_an_answer_is_shown_on_while_it_is_typed_along() -> None:
    known = dict.fromkeys(place("re│\n").keys, "turn 1")
    assert known_rest(known, place("re│\n")) == "turn 1"
    assert known_rest(known, place("return│\n")) == " 1"
    assert known_rest(known, place("rest│\n")) == ""
    assert known_rest(known, place("re│x\n")) == ""


def test_an_answer_is_known_still_when_the_first_lines_have_left_the_prompt() -> None:
    known = dict.fromkeys(place("a\nb\nc\nd(│\n").keys, "x")
    assert known_rest(known, place("b\nc\nd(│\n")) == "x"


def test_a_chunk_is_half_of_64_lines_and_one_and_no_other_is_like_it() -> None:
    ring = Ring(2, "seed")
    ring.offer("a.py", LINES[:200], replaces=False)
    assert ring.take_next() and not ring.take_next()
    (chunk,) = ring.chunks
    assert len(chunk.lines) == CHUNK_LINES // 2 + 1 and set(chunk.lines) < set(LINES[:200])
    ring.offer("a.py", chunk.lines, replaces=True)  # the same
    ring.offer("a.py", [*chunk.lines[:-1], "other"], replaces=False)  # like it
    ring.offer("a.py", ["one", "two"], replaces=True)  # too short
    assert not ring.take_next()
    ring.offer("a.py", [*chunk.lines[:-1], "other"], replaces=True)
    assert ring.chunks == [] and ring.take_next()
    for name in ("b.py", "c.py"):
        ring.offer(name, [f"{name} {line}" for line in LINES[:20]], replaces=True)
        assert ring.take_next()
    assert [one.path for one in ring.chunks] == ["b.py", "c.py"]
    ring.drop_repeated([f"b.py {line}" for line in LINES[:20]])
    assert [one.path for one in ring.chunks] == ["c.py"]
    assert similarity("ab", "bc") == 0.5


def test_the_nearest_files_were_looked_at(tmp_path: Path) -> None:
    for name in ("a/here.py", "a/near.py", "a/b/under.py", "far/x.py", "a/near.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{name}\n")
    found = visited(tmp_path, "a/here.py", 2)
    assert found == [("a/b/under.py", ["a/b/under.py"]), ("a/near.py", ["a/near.py"])]


def test_one_request_at_a_time_and_the_newest_key_is_answered() -> None:
    asked: list[Infill] = []
    let_go = threading.Event()

    def infill(request: Infill) -> str:
        asked.append(request)
        if request.middle == "x":
            assert let_go.wait(30)
        return " = 1" if request.middle == "x" else f"<{request.middle}>"

    async def session() -> list[tuple[str | None, bool]]:
        vim = LlamaVim(infill, "a.py", Ring(0, ""))
        first = asyncio.create_task(vim.suggest("x\n", 1))
        while not asked:
            await asyncio.sleep(0)
        second = asyncio.create_task(vim.suggest("x \n", 2))  # waits for the first, whose answer goes on here
        third: asyncio.Task[tuple[str | None, bool]] | None = None
        await asyncio.sleep(0)
        let_go.set()
        done = [await first, await second]
        third = asyncio.create_task(vim.suggest("xy\n", 2))
        done.append(await third)
        done.append(await vim.suggest("xy\n", 2))
        done.append(await vim.suggest("f(123456789)\n", 2))  # too much behind the cursor
        await vim.close()
        return done

    assert asyncio.run(session()) == [(None, False), ("= 1", False), ("<xy>", False), ("<xy>", True), ("", False)]
    assert "f(" not in [request.middle for request in asked]


def test_a_prompt_is_laid_out_as_the_server_does() -> None:
    def encode(text: str) -> list[int]:
        return list(text.encode())

    request = {"prefix": "ab\n", "middle": "c", "suffix": ")\n", "extra": [["f.py", "x\n"]], "num_predict": 128}
    asked = infill_prompt(MARKS, encode, request, 16384)
    head = [1000, *b"myproject\n", 1001, *b"f.py\n", *b"x\n", 1001, *b"filename\n"]
    assert asked == [*head, 1002, *b"ab\nc", 1003, *b")\n", 1004]
    plain = infill_prompt({name: MARKS[name] for name in ("pre", "suf", "mid")}, encode, request, 16384)
    assert plain == [*b"\n\n--- snippet ---\n\n", *b"x\n", 1002, *b"ab\nc", 1003, *b")\n", 1004]

    long = request | {"prefix": "p" * 5000, "suffix": "s" * 5000, "extra": [["f", "x" * 500]]}
    asked = infill_prompt(MARKS, encode, long, BATCH_TOKENS + 2 * 128 + 100)
    assert asked.index(1002) == 100  # what there is room for, the end of it
    assert asked[:100] == [*b"x" * 90, 1001, *b"filename\n"]
    assert asked.count(ord("p")) == 3 * BATCH_TOKENS // 4
    assert asked.count(ord("s")) == BATCH_TOKENS // 4 - 3


def test_an_answer_ends_before_a_line_of_an_outer_block() -> None:
    assert kept_lines("a\n    b\n", 4) is None
    assert kept_lines("a\n    b\n  c", 4) == "a\n    b\n"
    assert kept_lines("a\n\n    b", 4) == "a\n"
    assert kept_lines("a\n  ", 4) is None  # it may be indented further yet
    assert kept_lines("a\nb", 0) is None
