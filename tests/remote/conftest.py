"""What tests of remote engines share: a tokenizer, as its makers read it and as we do, and a server that has it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from transformers import PreTrainedTokenizerFast

from codeassist.remote.tokenizer_files import load_tokenizer
from codeassist.tokenization.tokens import Tokenizer
from tests.completions_server import CompletionsServer
from tests.tiny_models import train_tokenizer


@pytest.fixture(scope="package")
def theirs() -> PreTrainedTokenizerFast:
    return train_tokenizer("qwen2")


@pytest.fixture(scope="package")
def ours(theirs: PreTrainedTokenizerFast, tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    folder = tmp_path_factory.mktemp("tokenizer")
    theirs.save_pretrained(folder)
    return load_tokenizer(folder)


@pytest.fixture
def server(theirs: PreTrainedTokenizerFast) -> Iterator[CompletionsServer]:
    with CompletionsServer(theirs, lambda prompt: " x + 1\n    return x") as running:
        yield running
