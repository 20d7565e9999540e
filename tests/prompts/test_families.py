"""Prompts of the families, letter for letter: each as the model's own card, paper or publisher writes it.

`source` says where (looked up 2026-11-30). Where the source shows one file only, so does the row.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import pytest

from codeassist.errors import ModelError
from codeassist.prompts.prompt import Budget, build
from codeassist.prompts.templates import NAMES, PLAIN, is_trained, named, recognise, without_fim
from codeassist.request import CompletionRequest, Snippet
from codeassist.settings.sections import UserModel
from codeassist.tokenization.tokenizer_json import plain_text_tokenizer
from codeassist.tokenization.tokens import Tokenizer
from tests.tiny_models import MARKERS, train_tokenizer

PIPED = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
PLAIN_MARKERS = ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")
SEED = ("<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>", "<[end▁of▁sentence]>")
KOTLIN = (
    ("Utils.kt", "package utils\n\nfun multiply(x: Int, y: Int): Int {\n    return x * y\n}\n"),
    ("Config.kt", "package config\n\nobject Config {\n    const val DEBUG = true\n}\n"),
)


@dataclass(frozen=True)
class Row:
    """What a family's tokenizer owns, one place in a repository, and its prompt."""

    family: str
    source: str
    special: tuple[str, ...]
    path: str
    prefix: str
    suffix: str
    prompt: str
    files: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return self.family + ("-repository" if self.files else "")


ROWS = (
    Row(
        "qwen-coder",
        "Qwen2.5-Coder Technical Report (arXiv 2409.12186), repository-level FIM",
        (*PIPED, "<|repo_name|>", "<|file_sep|>"),
        "main.py",
        "def f():\n",
        "\n    return x",
        "<|repo_name|>demo\n<|file_sep|>a.py\nx = 1\n<|file_sep|>main.py\n"
        "<|fim_prefix|>def f():\n<|fim_suffix|>\n    return x<|fim_middle|>",
        (("a.py", "x = 1\n"),),
    ),
    Row(
        "codegemma",
        "ai.google.dev/gemma/docs/codegemma/prompt-structure",
        (*PIPED, "<|file_separator|>"),
        "main.py",
        "import ",
        "\nif __name__ == '__main__':\n    sys.exit(0)",
        "<|fim_prefix|>import <|fim_suffix|>\nif __name__ == '__main__':\n    sys.exit(0)<|fim_middle|>",
    ),
    Row(
        "granite4",
        "huggingface.co/ibm-granite/granite-4.0-micro-base supports fill-in-the-middle; its tokens, the usual order",
        PIPED,
        "main.py",
        "def f():\n",
        "\n    return x",
        "<|fim_prefix|>def f():\n<|fim_suffix|>\n    return x<|fim_middle|>",
    ),
    Row(
        "mellum",
        "huggingface.co/JetBrains/Mellum-4b-dpo-all, the card's example; S-P-M in arXiv 2510.05788",
        (*PLAIN_MARKERS, "<filename>", "<reponame>", "<gh_stars>", "<system>", "</system>"),
        "Example.kt",
        "fun calculateSum(a: Int, b: Int): Int {\n",
        "\nfun main() {\n    val result = calculateSum(5, 10)\n    println(result)\n}\n",
        "<filename>Utils.kt\npackage utils\n\nfun multiply(x: Int, y: Int): Int {\n    return x * y\n}\n\n"
        "<filename>Config.kt\npackage config\n\nobject Config {\n    const val DEBUG = true\n}\n\n"
        "<filename>Example.kt\n"
        "<fim_suffix>\nfun main() {\n    val result = calculateSum(5, 10)\n    println(result)\n}\n"
        "<fim_prefix>fun calculateSum(a: Int, b: Int): Int {\n<fim_middle>",
        KOTLIN,
    ),
    Row(
        "starcoder",
        "StarCoder 2 and The Stack v2 (arXiv 2402.19173), section 5.1",
        (*PLAIN_MARKERS, "<repo_name>", "<file_sep>"),
        "filepath1",
        "code1_pre",
        "code1_suf",
        "<repo_name>demo<file_sep>filepath0\ncode0\n"
        "<file_sep><fim_prefix>filepath1\ncode1_pre<fim_suffix>code1_suf<fim_middle>",
        (("filepath0", "code0\n"),),
    ),
    Row(
        "granite3",
        "huggingface.co/bigcode/tiny_starcoder_py, whose markers Granite Code and Granite 3.3 have",
        (*PLAIN_MARKERS, "<filename>", "<gh_stars>"),
        "main.py",
        "def print_one_two_three():\n    print('one')\n    ",
        "\n    print('three')",
        "<fim_prefix>def print_one_two_three():\n    print('one')\n    <fim_suffix>\n    print('three')<fim_middle>",
    ),
    Row(
        "deepseek-coder",
        "huggingface.co/deepseek-ai/deepseek-coder-1.3b-base: code insertion, and #path from its repository example",
        ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),
        "main.py",
        "from utils import load_data\n",
        "\n    return data",
        "<｜fim▁begin｜>#utils.py\nimport torch\n#main.py\nfrom utils import load_data\n"
        "<｜fim▁hole｜>\n    return data<｜fim▁end｜>",
        (("utils.py", "import torch\n"),),
    ),
    Row(
        "seed-coder",
        "Seed-Coder (arXiv 2506.03524), section 2.2.6",
        (*SEED, "<filename>"),
        "main.py",
        "def f():\n",
        "\n    return x",
        "<[fim-suffix]>\n    return x<[fim-prefix]>def f():\n<[fim-middle]>",
    ),
    Row(
        "seed-coder",
        "Zed's zeta_prompt crate, module seed_coder: file markers, all context in the prefix",
        (*SEED, "<filename>"),
        "main.py",
        "def f():\n",
        "\n    return x",
        "<[fim-suffix]>\n    return x<[fim-prefix]><filename>a.py\nx = 1\n<filename>main.py\ndef f():\n<[fim-middle]>",
        (("a.py", "x = 1\n"),),
    ),
    Row(
        "seed-coder",
        "the same without <filename>: RepoCoder's comments, which the paper is measured with",
        SEED,
        "main.py",
        "def f():\n",
        "\n    return x",
        "<[fim-suffix]>\n    return x<[fim-prefix]># a.py\n# x = 1\n# main.py\ndef f():\n<[fim-middle]>",
        (("a.py", "x = 1\n"),),
    ),
    Row(
        "codellama",
        "Code Llama (arXiv 2308.12950) and its llama/generation.py: PRE, prefix, SUF, suffix, MID",
        ("<s>", "▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>"),
        "main.py",
        "def f():\n",
        "\n    return x",
        "<PRE>def f():\n<SUF>\n    return x<MID>",
    ),
    Row(
        "codestral",
        "mistral_common, encode_fim: [SUFFIX] suffix [PREFIX] prefix",
        ("[INST]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]"),
        "main.py",
        "def f():\n",
        "\n    return x",
        "[SUFFIX]\n    return x[PREFIX]def f():\n",
    ),
    Row(
        "codestral",
        "the headers of Codestral's several files as Continue's AutocompleteTemplate.ts has them",
        ("[INST]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]"),
        "main.py",
        "def f():\n",
        "\n    return x",
        "[SUFFIX]\n    return x[PREFIX]+++++ a.py\nx = 1\n\n+++++ b.py\ny = 2\n\n+++++ main.py\ndef f():\n",
        (("a.py", "x = 1\n"), ("b.py", "y = 2\n")),
    ),
    Row(
        "files",
        "SmolLM2's tokenizer; files as StarCoder 2's, without fill-in-the-middle",
        ("<repo_name>", "<file_sep>", "<|im_end|>"),
        "main.py",
        "def f():\n",
        "\n    return x",
        "<repo_name>demo\n<file_sep>a.py\nx = 1\n<file_sep>main.py\ndef f():\n",
        (("a.py", "x = 1\n"),),
    ),
    Row(
        "plain",
        "no markers: other files as comments",
        ("<s>", "</s>"),
        "main.py",
        "def f():\n",
        "\n    return x",
        "# a.py\n# x = 1\n# main.py\ndef f():\n",
        (("a.py", "x = 1\n"),),
    ),
)


def tokenizer_with(special: tuple[str, ...]) -> Tokenizer:
    """A tokenizer trained on code whose special tokens are these, read as from a file that has them."""
    described = json.loads(train_tokenizer("llama").backend_tokenizer.to_str())
    vocab = described["model"]["vocab"]
    kept = {token: number for token, number in vocab.items() if token not in MARKERS["llama"]}
    first = 1 + max(vocab.values())
    described["model"]["vocab"] = kept
    described["added_tokens"] = [{"id": first + i, "content": token} for i, token in enumerate(special)]
    return Tokenizer(plain_text_tokenizer(described), eos_ids=frozenset(), bos_id=None, add_bos=False)


def prompt_of(row: Row, tokenizer: Tokenizer) -> str:
    request = CompletionRequest(row.path, row.prefix, row.suffix)
    worth = [Snippet(path, text, 1, 2, "bm25", 1.0, "test") for path, text in reversed(row.files)]
    template = recognise(tokenizer.special)
    laid = build(request, worth, template, tokenizer, Budget(2000), repository="demo")
    names = {token: name for name, token in tokenizer.special.items()}
    parts = [names[t].encode() if t in names else tokenizer.token_bytes(t) for t in laid.tokens]
    text = b"".join(parts).decode()
    for place, own in ((laid.prefix, row.prefix), (laid.suffix, row.suffix if template.fim else "")):
        assert tokenizer.decode_bytes(laid.tokens[place.start : place.stop]).decode() == own
    for place, (path, _) in zip(laid.snippet_ranges, row.files, strict=True):
        assert path in tokenizer.decode_bytes(laid.tokens[place.start : place.stop]).decode()
    return text


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_the_prompt_is_the_one_of_the_source(row: Row) -> None:
    tokenizer = tokenizer_with(row.special)
    assert recognise(tokenizer.special).name == row.family
    assert prompt_of(row, tokenizer) == row.prompt


def test_every_family_has_a_row_and_can_be_named_in_the_settings() -> None:
    assert {row.family for row in ROWS} == set(NAMES)
    kind = UserModel.__dataclass_fields__["template"].metadata["kind"]
    for name in NAMES:
        assert kind.parse(name) == name


def test_granite_code_and_starcoder_are_not_taken_for_mellum() -> None:
    starcoder_1 = (*PLAIN_MARKERS, "<fim_pad>", "<filename>", "<gh_stars>", "<reponame>")
    assert recognise(dict.fromkeys(starcoder_1, 1)).name == "granite3"
    assert recognise(dict.fromkeys((*starcoder_1, "<|im_start|>"), 1)).name == "mellum"  # Mellum 2


@pytest.mark.parametrize(
    ("names", "trained"),
    [
        (["Qwen2.5 Coder 0.5B Instruct"], True),
        (["CodeQwen1.5-7B"], True),
        (["sweep-next-edit-1.5B"], True),
        (["zeta-2"], True),
        (["Qwen3 4B Instruct 2507"], False),
        (["QwQ-32B"], False),
        (["DeepSeek-R1-Distill-Qwen-1.5B"], False),
        (["Mistral-7B-Instruct-v0.3"], False),
        (["Devstral-Small-2507"], False),
        (["Codestral-22B-v0.1"], True),
        (["granite-3.1-8b-base"], False),
        (["granite-3.3-8b-instruct"], True),
        (["granite-4.0-micro"], True),
        (["Granite 4.0 Micro"], True),
        (["Granite 3.3 8b Base"], True),
        (["Granite 3.2 8b Instruct"], False),
        (["Code Llama 34b"], False),
        (["granite-3b-code-base-2k"], True),
        (["Phi 4"], False),
        (["OpenCoder-8B-Base"], False),
        (["CodeLlama-7b-hf"], True),
        (["CodeLlama-34b-Instruct-hf"], False),
        (["codellama-7b-python"], False),
        (["Qwen3 4B", "my-coder"], False),  # what the file calls itself counts more than what its user does
        (["model", "Qwen2.5-Coder-7B"], True),
        ([], True),
        (["model"], True),
    ],
)
def test_what_a_model_is_called_tells_whether_it_was_trained(names: list[str], trained: bool) -> None:
    assert is_trained(names) is trained


def test_an_untrained_model_gets_a_prompt_that_needs_no_training() -> None:
    qwen = ROWS[0]
    tokenizer = tokenizer_with(qwen.special)
    own = without_fim(recognise(tokenizer.special))
    request = CompletionRequest(qwen.path, qwen.prefix, qwen.suffix)
    laid = build(request, [], own, tokenizer, Budget(2000), repository="demo")
    assert tokenizer.decode_bytes(laid.tokens).decode() == qwen.prefix
    assert set(laid.tokens).isdisjoint(tokenizer.special.values())
    assert own.stops == recognise(tokenizer.special).stops


def test_a_named_template_needs_its_tokens() -> None:
    special = dict.fromkeys(PLAIN_MARKERS, 1)
    assert named("granite3", special).name == "granite3" and named("plain", special) is PLAIN
    with pytest.raises(ModelError, match=re.escape("no token <filename>, which template 'mellum' is written with")):
        named("mellum", special)
    assert named("seed-coder", dict.fromkeys(SEED, 1)).file is None
    assert named("seed-coder", dict.fromkeys((*SEED, "<filename>"), 1)).file == "<filename>"
