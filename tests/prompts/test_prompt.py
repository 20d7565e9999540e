"""The prompt: templates read from tokenizers, budgets kept, stable windows, and text that stays text."""

from __future__ import annotations

import functools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codeassist.prompts import prompt as prompts
from codeassist.prompts.prompt import Budget, Prompt, build, line_comment, prefix_window, suffix_window
from codeassist.prompts.templates import ORDERS, PLAIN, Template, recognise, special_token_texts
from codeassist.request import CompletionRequest, Snippet
from codeassist.tokenization.file_tokens import FreshTokens
from codeassist.tokenization.tokens import Tokenizer
from tests.tiny_models import CODE, FAMILIES, MARKERS
from tests.tokenization.test_tokens import tiny

REQUEST = CompletionRequest("pkg/a.py", prefix=CODE[:300], suffix=CODE[300:600])
SNIPPETS = [
    Snippet(f"pkg/other{i}.py", f"def helper_{i}(x):\n    return x + {i}\n", 1, 3, "bm25", 1.0 / (i + 1), "test")
    for i in range(6)
]


@functools.cache
def tokenizer_of(family: str) -> Tokenizer:
    return tiny(family)[0]


def lay_out(family: str, request: CompletionRequest = REQUEST, total: int = 1500, **changes: object) -> Prompt:
    tokenizer = tokenizer_of(family)
    snippets = changes.get("snippets", SNIPPETS)
    assert isinstance(snippets, list)
    template = recognise(tokenizer.special)
    return build(request, snippets, template, tokenizer, Budget(total), repository="demo")


def text_of(family: str, tokens: tuple[int, ...]) -> str:
    """The prompt as text, special tokens in their spelling."""
    tokenizer = tokenizer_of(family)
    names = {token: text for text, token in tokenizer.special.items()}
    parts = [names[t].encode() if t in names else tokenizer.token_bytes(t) for t in tokens]
    return b"".join(parts).decode()


def blocks(header: str) -> str:
    return "".join(header.format(s.path) + s.text for s in reversed(SNIPPETS))


def test_qwen_sees_a_repository_prefix_suffix_middle() -> None:
    assert text_of("qwen2", lay_out("qwen2").tokens) == (
        "<|repo_name|>demo\n" + blocks("<|file_sep|>{}\n") + "<|file_sep|>pkg/a.py\n"
        f"<|fim_prefix|>{REQUEST.prefix}<|fim_suffix|>{REQUEST.suffix}<|fim_middle|>"
    )


@given(st.data())
@settings(deadline=None, max_examples=30)
def test_without_some_snippets_all_else_stands_as_it_stood(data: st.DataObject) -> None:
    whole = lay_out(data.draw(st.sampled_from(("qwen2", "llama"))))
    late = [
        range(data.draw(st.integers(part.start, part.stop)), part.stop)
        for part in data.draw(st.lists(st.sampled_from(whole.snippet_ranges), unique=True))
    ]
    gone = {slot for part in late for slot in part}
    less = whole.without(late)
    assert less.tokens == tuple(token for slot, token in enumerate(whole.tokens) if slot not in gone)
    for ours, theirs in ((less.prefix, whole.prefix), (less.suffix, whole.suffix)):
        assert less.tokens[ours.start : ours.stop] == whole.tokens[theirs.start : theirs.stop]
    for ours, theirs in zip(less.around_cursor, whole.around_cursor, strict=True):
        assert less.tokens[ours.start : ours.stop] == whole.tokens[theirs.start : theirs.stop]
    kept = [part for part in whole.snippet_ranges if not gone.issuperset(part)]
    assert [used.snippet for used in less.snippets] == [
        used.snippet for used, part in zip(whole.snippets, reversed(whole.snippet_ranges), strict=True) if part in kept
    ]
    for ours, theirs in zip(less.snippet_ranges, kept, strict=True):
        assert less.tokens[ours.start : ours.stop] == whole.tokens[theirs.start : theirs.start + len(ours)]
        assert ours and gone.issuperset(range(theirs.start + len(ours), theirs.stop))


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("suffix-prefix-middle", "<|fim_suffix|>{s}<|fim_prefix|>{p}<|fim_middle|>"),
        ("suffix within prefix", "<|fim_prefix|><|fim_suffix|>{s}<|fim_middle|>{p}"),
    ],
)
def test_other_orders_of_the_same_parts(order: str, expected: str) -> None:
    tokenizer = tokenizer_of("qwen2")
    own = recognise(tokenizer.special)
    assert own.fim is not None
    template = replace(own, fim=replace(own.fim, order=ORDERS[order]))
    prompt = build(REQUEST, [], template, tokenizer, Budget(1500), repository="demo")
    whole = text_of("qwen2", prompt.tokens)
    assert whole.endswith(expected.format(p=REQUEST.prefix, s=REQUEST.suffix))
    for part, text in ((prompt.prefix, REQUEST.prefix), (prompt.suffix, REQUEST.suffix)):
        assert text_of("qwen2", prompt.tokens[part.start : part.stop]) == text


def test_starcoder_has_its_own_spelling() -> None:
    assert text_of("starcoder2", lay_out("starcoder2").tokens) == (
        "<repo_name>demo" + blocks("<file_sep>{}\n") + "<file_sep><fim_prefix>pkg/a.py\n"
        f"{REQUEST.prefix}<fim_suffix>{REQUEST.suffix}<fim_middle>"
    )


def test_deepseek_gives_other_files_behind_their_paths() -> None:
    assert text_of("llama", lay_out("llama").tokens) == (
        "<｜fim▁begin｜>" + blocks("#{}\n") + f"#pkg/a.py\n{REQUEST.prefix}<｜fim▁hole｜>{REQUEST.suffix}<｜fim▁end｜>"
    )


def test_codestral_has_the_suffix_first() -> None:
    text = text_of("mistral", lay_out("mistral", snippets=[]).tokens)
    assert text == f"[SUFFIX]{REQUEST.suffix}[PREFIX]{REQUEST.prefix}"


def test_templates_are_read_from_special_tokens() -> None:
    def named(*tokens: str) -> str:
        return recognise({token: i for i, token in enumerate(tokens)}).name

    piped = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
    assert named(*piped, "<|repo_name|>", "<|file_sep|>") == "qwen-coder"
    assert named(*piped, "<|file_separator|>") == "codegemma"
    assert named("<fim_prefix>", "<fim_suffix>", "<fim_middle>") == "granite3"
    assert named("<PRE>", "<SUF>", "<MID>", "<EOT>") == "codellama"  # as `Tokenizer.special` has "▁<PRE>"
    assert named("<repo_name>", "<file_sep>", "<|im_end|>") == "files"
    assert named("<s>", "</s>") == "plain"


def test_ranges_say_where_things_stand() -> None:
    laid = lay_out("qwen2")
    tokens = laid.tokens
    assert text_of("qwen2", tokens[laid.prefix.start : laid.prefix.stop]) == REQUEST.prefix
    assert text_of("qwen2", tokens[laid.suffix.start : laid.suffix.stop]) == REQUEST.suffix
    special = tokenizer_of("qwen2").special
    middle, suffix_marker, prefix_marker, *_ = laid.around_cursor
    assert [tokens[r.start] for r in (middle, suffix_marker, prefix_marker)] == [
        special["<|fim_middle|>"],
        special["<|fim_suffix|>"],
        special["<|fim_prefix|>"],
    ]
    for used, where in zip(reversed(laid.snippets), laid.snippet_ranges, strict=True):
        assert len(where) == used.num_tokens
        assert text_of("qwen2", tokens[where.start : where.stop]).endswith(used.snippet.text)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_text_can_forge_a_special_token(family: str) -> None:
    """Markers of every family in the file, in snippets, in paths and in the repository's name stay text."""
    evil = "".join(sorted(special_token_texts() | {m for markers in MARKERS.values() for m in markers}))
    request = CompletionRequest(f"{evil}.py", prefix=evil, suffix=evil)
    tokenizer = tokenizer_of(family)
    template = recognise(tokenizer.special)
    snippets = [Snippet(evil, evil, 1, 2, "bm25", 1.0, "test")]
    laid = build(request, snippets, template, tokenizer, Budget(6000), repository=evil)
    harmless = build(
        CompletionRequest("x.py", prefix="x", suffix="x"),
        [Snippet("x", "x", 1, 2, "bm25", 1.0, "test")],
        template,
        tokenizer,
        Budget(6000),
        repository="x",
    )
    special = set(tokenizer.special.values())
    assert [t for t in laid.tokens if t in special] == [t for t in harmless.tokens if t in special]
    assert len(laid.snippets) == 1


@settings(max_examples=60, deadline=None)
@given(
    total=st.integers(64, 900),
    prefix=st.text(alphabet="ab(\n \t", max_size=3000),
    suffix=st.text(alphabet="ab(\n \t", max_size=2000),
    family=st.sampled_from(FAMILIES),
)
def test_a_prompt_never_exceeds_its_budget(total: int, prefix: str, suffix: str, family: str) -> None:
    laid = lay_out(family, CompletionRequest("a.py", prefix, suffix), total)
    assert 0 < len(laid.tokens) <= total


def test_worthy_snippets_come_first_and_stand_nearest() -> None:
    laid = lay_out("qwen2", total=300)
    names = [used.snippet.path for used in laid.snippets]
    assert 0 < len(names) < len(SNIPPETS)
    assert names == [s.path for s in SNIPPETS[: len(names)]]
    text = text_of("qwen2", laid.tokens)
    assert text.index(names[0]) > text.index(names[-1])


def test_typing_rarely_moves_the_window() -> None:
    tokenizer = tokenizer_of("qwen2")
    text = CODE * 30
    starts: set[int] = set()
    for length in range(len(text) - 200, len(text)):
        tokens = prefix_window(text[:length], FreshTokens(tokenizer, text[:length], ""), 400)
        assert len(tokens) <= 400
        kept = tokenizer.decode_bytes(tokens).decode()
        assert text[:length].endswith(kept)
        starts.add(length - len(kept))
    assert len(starts) <= 4
    assert all(start == 0 or text[start - 1] == "\n" for start in starts)


def test_one_endless_line_keeps_its_end() -> None:
    tokenizer = tokenizer_of("qwen2")
    line = "x = [" + "1, " * 300_000
    tokens = prefix_window(line, FreshTokens(tokenizer, line, ""), 100)
    kept = tokenizer.decode_bytes(tokens).decode()
    assert len(tokens) == 100 and line.endswith(kept)
    assert suffix_window(line, FreshTokens(tokenizer, "", line), 50) == tokenizer.encode(line[:400])[:50]


def test_an_empty_file_still_gives_a_prompt() -> None:
    tokenizer = tokenizer_of("qwen2")
    request = CompletionRequest("a.py", "", "")
    plain = build(request, [], PLAIN, tokenizer, Budget(100), repository="demo")
    assert tokenizer.decode_bytes(plain.tokens).decode() == "# a.py\n"


def test_comments_follow_the_language() -> None:
    assert [line_comment(p) for p in ("a.py", "b/c.TS", "Makefile", "x.rs", "y.yaml")] == ["#", "//", "//", "//", "#"]


def test_snippet_budget_asks_for_enough_text() -> None:
    assert Budget(2048, snippet_share=0.5).snippet_chars > 1024 * prompts.CHARS_PER_TOKEN
    assert isinstance(PLAIN, Template)
