"""Tokenisation: the ids that transformers gives, every text back byte for byte, and never a special id from text."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as LibraryTokenizer
from tokenizers import pre_tokenizers, processors
from transformers import GPT2Tokenizer, LlamaTokenizer, Qwen2Tokenizer

from codeassist.engine.loading.gguf_file import GgufFile
from codeassist.errors import ModelError
from codeassist.tokenization import gguf_tokenizer
from codeassist.tokenization.tokenizer_json import plain_text_tokenizer
from codeassist.tokenization.tokens import Tokenizer
from tests.tiny_models import CODE, FAMILIES, MARKERS, build_model, save_gguf, train_tokenizer

MODELS = Path(os.environ.get("CODEASSIST_TEST_MODELS", Path.home() / ".cache" / "codeassist-models"))
REAL = {"qwen": "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf", "smollm2": "smollm2-135m-instruct-q4_1.gguf"}
REAL_TOKENIZERS = [pytest.param(name, marks=pytest.mark.real_model) for name in REAL]

EVERY_MARKER = sorted(
    {marker for family in FAMILIES for marker in MARKERS[family]}
    | {
        "<PRE>",
        "<SUF>",
        "<MID>",
        "<EOT>",
        "▁<PRE>",
        "<|end_of_text|>",
        "<|file_separator|>",
        "<unk>",
        "<pad>",
        "[INST]",
    }
    | {"<|cursor|>", "<|repo_name|>", "<tool_call>", "<reponame>", "<filename>", "<gh_stars>", "<|start_header_id|>"}
)
INJECTION = "x = '" + "'\n'".join(EVERY_MARKER) + "'" + "".join(EVERY_MARKER) + " ".join(EVERY_MARKER)

SAMPLES = [
    "",
    " ",
    "\n",
    "\r\n\r\n",
    "def f(x):\r\n\treturn x  # done\r\n",
    "    if a:\n        b()\n\n\n        c()   \n",
    "naïve café — “quotes” … 日本語のコメント 한국어 русский ⌘ 🎉👩‍👩‍👧‍👦🇩🇪",
    "x\u0301 e\u0301 \u200b\u00a0\ufeff\u2028\x0b\x0c\x1f\x7f\u0085",
    "12345 1 22 333 4444 ½ Ⅷ ٣ 3.14159e-10 0xFF_FF",
    "I'm you'RE we'll they'd 'S'T",
    "a.b->c::d(&e)[f]{g}<h>!=i<<=j@k#l$m%n^o&p*q~r`s\\t|u;v:w",
    "ÃÂ õ÷Á Ġ Ċ ĉ č Ā",  # characters of the byte alphabet itself
    "▁▁ a▁b ▁",
    "<0x0A><0xE2> <0x",
]

text_of_any_kind = st.text(alphabet=st.characters(exclude_categories=["Cs"])) | st.text(
    alphabet=st.sampled_from("ab Z01.,'\"\n\r\t_▁Ġ<|>é\u0301日🎉"), max_size=60
)


@cache
def tiny(family: str) -> tuple[Tokenizer, Any]:
    theirs = train_tokenizer(family).backend_tokenizer
    plain = plain_text_tokenizer(json.loads(theirs.to_str()))
    return Tokenizer(plain, eos_ids=frozenset(), bos_id=None, add_bos=False), theirs


@cache
def sentencepiece() -> tuple[Tokenizer, Any]:
    """A tokenizer as a GGUF file of CodeLlama describes it, and transformers' LlamaTokenizer of the same vocabulary."""
    rng = random.Random(3)
    words = [w for w in CODE.replace("\n", " ").split() if w.isascii()]
    pieces = {w[a:b] for w in words for a in range(len(w)) for b in range(a + 1, min(a + 5, len(w) + 1))}
    pieces |= {"▁" + p for p in pieces if rng.random() < 0.5} | {"▁", "▁▁", "▁▁▁▁", "é", "▁é"}
    ordered = sorted(pieces, key=lambda p: (-len(p), p))
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{b:02X}>" for b in range(256)), *ordered, "▁<PRE>", "▁<SUF>"]
    metadata = {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.scores": [0.0] * 259 + [-float(i) for i in range(len(ordered))] + [0.0, 0.0],
        "tokenizer.ggml.token_type": [2, 3, 3] + [6] * 256 + [1] * len(ordered) + [1, 1],
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
    }
    described, config = gguf_tokenizer.tokenizer_files(metadata)
    assert config["add_bos_token"] is True and config["bos_token"] == "<s>"
    model = described["model"]
    theirs = LlamaTokenizer(vocab=model["vocab"], merges=[tuple(m) for m in model["merges"]])
    ours = Tokenizer(plain_text_tokenizer(described), eos_ids=frozenset((2,)), bos_id=1, add_bos=True)
    return ours, theirs


@cache
def real(name: str) -> tuple[Tokenizer, Any]:
    path = MODELS / REAL[name]
    if not path.exists():
        pytest.skip(f"no {path.name} in {MODELS} (CODEASSIST_TEST_MODELS)")
    described, _ = gguf_tokenizer.tokenizer_files(GgufFile(path).metadata)
    ours = Tokenizer(plain_text_tokenizer(described), eos_ids=frozenset(), bos_id=None, add_bos=False)
    # Made by transformers' own classes: its reader of GGUF takes 15 s, and forgets that SmolLM2 splits digits.
    vocab, merges = described["model"]["vocab"], [tuple(merge.split(" ")) for merge in described["model"]["merges"]]
    theirs: Any = {"qwen": Qwen2Tokenizer, "smollm2": GPT2Tokenizer}[name](vocab=vocab, merges=merges)
    if name == "smollm2":
        digits = pre_tokenizers.Digits(individual_digits=True)
        to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False)
        theirs.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, to_bytes])
    return ours, theirs


def check_whole(tokenizer: Tokenizer, text: str) -> None:
    """Everything that holds for every text without unwritable characters."""
    encoded = tokenizer.encode_with_offsets(text)
    assert encoded.ids == tokenizer.encode(text)
    assert not set(encoded.ids) & set(tokenizer.special.values())
    assert tokenizer.decode_bytes(encoded.ids) == text.encode()
    # The characters that hold a token's first and last byte.
    char_of_byte = [char_idx for char_idx, char in enumerate(text) for _ in char.encode()]
    byte_offset = 0
    ranges: list[tuple[int, int]] = []
    for token_id in encoded.ids:
        num_bytes = len(tokenizer.token_bytes(token_id))
        assert num_bytes > 0
        ranges.append((char_of_byte[byte_offset], char_of_byte[byte_offset + num_bytes - 1] + 1))
        byte_offset += num_bytes
    assert encoded.char_ranges == ranges


@pytest.mark.parametrize("text", SAMPLES)
@pytest.mark.parametrize("family", FAMILIES)
def test_tiny_tokenizers_agree_with_transformers(family: str, text: str) -> None:
    ours, theirs = tiny(family)
    assert ours.encode(text) == theirs.encode(text, add_special_tokens=False).ids
    check_whole(ours, text)


@given(text=text_of_any_kind, family=st.sampled_from(FAMILIES))
@settings(max_examples=300, deadline=None)
def test_any_text_comes_back(text: str, family: str) -> None:
    ours, theirs = tiny(family)
    check_whole(ours, text)
    if not any(marker in text for marker in MARKERS[family]):
        assert ours.encode(text) == theirs.encode(text, add_special_tokens=False).ids


@given(text=text_of_any_kind)
@settings(max_examples=300, deadline=None)
def test_any_text_comes_back_from_sentencepiece(text: str) -> None:
    ours, theirs = sentencepiece()
    check_whole(ours, text)
    if (
        text and "▁" not in text and not text.startswith(" ")
    ):  # theirs puts a space in front; ours leaves that to callers
        assert ours.encode(" " + text) == theirs.encode(text, add_special_tokens=False)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_marker_becomes_a_special_token(family: str) -> None:
    ours, theirs = tiny(family)
    assert set(theirs.encode(INJECTION).ids) & set(ours.special.values())  # what would have happened
    assert set(MARKERS[family]) == set(ours.special)
    for text in (INJECTION, *EVERY_MARKER):
        check_whole(ours, text)
    for name, token_id in ours.special.items():
        assert theirs.token_to_id(name) == token_id
        assert ours.token_bytes(token_id) == b""


def test_no_marker_becomes_a_special_token_in_sentencepiece() -> None:
    ours, _ = sentencepiece()
    assert set(ours.special) == {"<unk>", "<s>", "</s>", "<PRE>", "<SUF>"}
    for text in (INJECTION, *EVERY_MARKER, *SAMPLES):
        check_whole(ours, text)


@pytest.mark.parametrize("name", REAL_TOKENIZERS)
def test_real_tokenizers_agree_with_transformers(name: str) -> None:
    ours, theirs = real(name)
    folder = Path(__file__).parents[2]
    files = [
        path.read_text() for part in ("codeassist", "tests") for path in sorted((folder / part).rglob("*.py"))[:15]
    ]
    rng = random.Random(5)
    anything = ["".join(chr(rng.choice(_CODE_POINTS)) for _ in range(40)) for _ in range(200)]
    texts = [*SAMPLES, *files, *(file.replace("\n", "\r\n") for file in files[:5]), *anything]
    for text in texts:
        text = unicodedata.normalize("NFC", text)
        if any(marker in text for marker in ours.special):
            continue
        if ours.decode_bytes(ours.encode(text)) == text.encode():
            assert ours.encode(text) == theirs.encode(text, add_special_tokens=False)
            check_whole(ours, text)
        else:
            assert name == "smollm2"  # its vocabulary lacks six control characters and some unassigned planes
            assert len(ours.decode_bytes(ours.encode(text)).decode()) == len(text)


_CODE_POINTS = [
    *range(0xD800),
    *range(0xE000, 0x30000, 7),
    *(ord(char) for char in "  \n\t.,()abcdefgh0123456789" * 1000),
]


@pytest.mark.parametrize("name", REAL_TOKENIZERS)
def test_no_marker_becomes_a_special_token_in_real_tokenizers(name: str) -> None:
    ours, _ = real(name)
    for text in (INJECTION, *EVERY_MARKER, "".join(ours.special)):
        check_whole(ours, text)
    wanted = {"<|im_start|>", "<|im_end|>", "<|endoftext|>"}
    wanted |= {"<|fim_prefix|>", "<|fim_pad|>", "<|file_sep|>"} if name == "qwen" else {"<repo_name>", "<file_sep>"}
    assert wanted <= set(ours.special)


def test_normalisation_is_left_out() -> None:
    """Qwen's tokenizer.json composes characters (NFC); a completion must not change the file's own."""
    _, theirs = tiny("qwen2")
    described = json.loads(theirs.to_str()) | {"normalizer": {"type": "NFC"}}
    tokenizer = Tokenizer(plain_text_tokenizer(described), eos_ids=frozenset(), bos_id=None, add_bos=False)
    check_whole(tokenizer, "e\u0301")
    described["normalizer"] = {"type": "Lowercase"}
    with pytest.raises(ModelError, match="Lowercase"):
        plain_text_tokenizer(described)


def test_lone_surrogates_and_missing_bytes_count_as_unknown_characters() -> None:
    ours, theirs = tiny("qwen2")
    encoded = ours.encode_with_offsets("a\ud800b")
    assert ours.decode_bytes(encoded.ids).decode() == "a\ufffdb" and encoded.char_ranges[-1] == (2, 3)
    described = json.loads(theirs.to_str())
    vocab = described["model"]["vocab"]
    del vocab["\u0104"]  # the spelling of byte 4
    lacking = Tokenizer(plain_text_tokenizer(described), eos_ids=frozenset(), bos_id=None, add_bos=False)
    assert lacking.decode_bytes(lacking.encode("a\x04b\x05")).decode() == "a\ufffdb\x05"
    del vocab["Z"]
    described["model"]["merges"] = []
    with pytest.raises(ModelError, match="0x5A"):
        Tokenizer(plain_text_tokenizer(described), eos_ids=frozenset(), bos_id=None, add_bos=False)


def test_a_folder_says_where_texts_begin_and_end(tmp_path: Path) -> None:
    tokenizer = train_tokenizer("llama")
    begin, end = MARKERS["llama"][:2]
    tokenizer.save_pretrained(tmp_path)
    settings_path = tmp_path / "tokenizer_config.json"
    loaded = Tokenizer.load(tmp_path)
    assert loaded.eos_ids == {loaded.special[end]} and loaded.bos_id is None and not loaded.add_bos
    values: dict[str, Any] = {"bos_token": {"content": begin}, "eos_token": end, "add_bos_token": True}
    settings_path.write_text(json.dumps(values))
    (tmp_path / "config.json").write_text(json.dumps({"eos_token_id": [7, 9]}))
    loaded = Tokenizer.load(tmp_path)
    assert loaded.add_bos and loaded.bos_id == loaded.special[begin] and loaded.eos_ids == {7, 9, loaded.special[end]}
    # Llama 3 says it by its post-processor alone.
    settings_path.write_text(json.dumps({"bos_token": begin}))
    assert not Tokenizer.load(tmp_path).add_bos
    template = processors.TemplateProcessing(
        single=f"{begin}:0 $A:0", pair=None, special_tokens=[(begin, loaded.special[begin])]
    )
    tokenizer.backend_tokenizer.post_processor = template
    tokenizer.backend_tokenizer.save(str(tmp_path / "tokenizer.json"))
    loaded = Tokenizer.load(tmp_path)
    assert loaded.add_bos
    assert loaded.bos_id not in loaded.encode("x")


def test_gguf_and_folder_tokenizers_are_the_same(tmp_path: Path) -> None:
    for family in FAMILIES:
        save_gguf(tmp_path / f"{family}.gguf", family, build_model(family))
        for name, content in GgufFile(tmp_path / f"{family}.gguf").tokenizer_files().items():
            (tmp_path / name).write_bytes(content)
        from_gguf = Tokenizer.load(tmp_path)
        ours, _ = tiny(family)
        assert from_gguf.special == ours.special and from_gguf.vocab_size == ours.vocab_size
        for text in (*SAMPLES, CODE, INJECTION):
            assert from_gguf.encode(text) == ours.encode(text)


def test_tokenizers_that_are_not_read(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"tokenizer\.json"):
        Tokenizer.load(tmp_path)
    for content in ("{", "[]", "{}", '{"model": {"type": "Unigram", "vocab": []}}', '{"model": {"type": "BPE"}}'):
        (tmp_path / "tokenizer.json").write_text(content)
        with pytest.raises(ModelError) as caught:
            Tokenizer.load(tmp_path)
        assert "\n" not in str(caught.value)
    broken = json.loads(train_tokenizer("qwen2").backend_tokenizer.to_str())
    broken["model"]["merges"].append(["no such", "token"])
    (tmp_path / "tokenizer.json").write_text(json.dumps(broken))
    with pytest.raises(ModelError, match="fetch the model again"):
        Tokenizer.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"tokenizer.ggml.pre": "brand-new"}, "brand-new"),
        ({"tokenizer.ggml.model": "bert"}, "bert"),
        ({"tokenizer.ggml.tokens": []}, "vocabulary"),
        ({"tokenizer.ggml.tokens": ["a", "a"]}, "vocabulary"),
        ({"tokenizer.ggml.merges": None}, "merges"),
        ({"tokenizer.ggml.model": "llama", "tokenizer.ggml.merges": None}, "scores"),
    ],
)
def test_gguf_tokenizers_that_are_not_read(change: dict[str, Any], named: str) -> None:
    metadata: dict[str, Any] = {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "qwen2",
        "tokenizer.ggml.tokens": ["a", "b"],
        "tokenizer.ggml.merges": ["a b"],
    }
    with pytest.raises(ModelError, match=named):
        gguf_tokenizer.tokenizer_files(metadata | change)


@pytest.mark.parametrize("pre", gguf_tokenizer.KNOWN_PRE)
def test_every_way_to_split_gives_text_back(pre: str) -> None:
    _, theirs = tiny("starcoder2")
    model = json.loads(theirs.to_str())["model"]
    metadata = {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": pre,
        "tokenizer.ggml.tokens": sorted(model["vocab"], key=model["vocab"].get),
        "tokenizer.ggml.merges": [" ".join(merge) for merge in model["merges"]],
    }
    described, _ = gguf_tokenizer.tokenizer_files(metadata)
    tokenizer = Tokenizer(plain_text_tokenizer(described), eos_ids=frozenset(), bos_id=None, add_bos=False)
    for text in (*SAMPLES, CODE, INJECTION):
        check_whole(tokenizer, text)


def test_the_splits_are_those_of_the_models() -> None:
    """What a newline, digits and words do under each family's expression; merges would hide it."""
    text = "if  x1:\n\ty = 123"
    wanted = {
        "qwen2": ["if", " ", " x", "1", ":\n", "\ty", " =", " ", "1", "2", "3"],
        "llama-bpe": ["if", " ", " x", "1", ":\n", "\ty", " =", " ", "123"],
        "starcoder": ["if", " ", " x", "1", ":", "\n", "\t", "y", " =", " ", "1", "2", "3"],
        "gpt-2": ["if", " ", " x", "1", ":", "\n", "\t", "y", " =", " 123"],
        "deepseek-coder": ["if", " ", " x", "1", ":", "\n", "\ty", " = ", "1", "2", "3"],
    }
    for pre, pieces in wanted.items():
        metadata = {
            "tokenizer.ggml.model": "gpt2",
            "tokenizer.ggml.pre": pre,
            "tokenizer.ggml.tokens": ["a", "b", "ab"],
            "tokenizer.ggml.merges": ["a b"],
        }
        described, _ = gguf_tokenizer.tokenizer_files(metadata)
        library = LibraryTokenizer.from_str(json.dumps(described))
        found = library.pre_tokenizer.pre_tokenize_str(text)
        assert [text[start:end] for _, (start, end) in found] == pieces, pre


def test_no_heavy_import() -> None:
    """transformers takes seconds to import: the product never does."""
    code = (
        "import sys, codeassist.tokenization.tokens; assert 'torch' not in sys.modules; "
        "import codeassist.engine.loading.weights; "
    )
    subprocess.run([sys.executable, "-c", code + "assert 'transformers' not in sys.modules"], check=True)


def test_whole_words_come_first_where_the_model_wants_it() -> None:
    """Llama 3 takes a word that is a token without asking its merges."""
    ours, theirs = tiny("qwen2")
    described = json.loads(theirs.to_str())
    described["model"]["vocab"]["zq"] = 600
    described["model"]["ignore_merges"] = True
    tokenizer = Tokenizer(plain_text_tokenizer(described), eos_ids=frozenset(), bos_id=None, add_bos=False)
    assert tokenizer.encode("zq") == [600] and len(ours.encode("zq")) == 2
    for name, token_id in tokenizer.special.items():
        described["model"]["vocab"][name] = token_id  # as in vocabularies that come from GGUF
    tokenizer = Tokenizer(plain_text_tokenizer(described), eos_ids=frozenset(), bos_id=None, add_bos=False)
    check_whole(tokenizer, INJECTION)
