"""Tiny random Hugging Face models of every family, with a real tokenizer trained on a few lines of code.

Tests of the engine compare against transformers on them; nothing is downloaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
    Starcoder2Config,
    Starcoder2ForCausalLM,
)

FAMILIES = ("llama", "qwen2", "qwen3", "mistral", "starcoder2")

# The markers of the family that a model of the architecture usually is (Llama: DeepSeek-Coder, Mistral: Codestral).
MARKERS: dict[str, tuple[str, ...]] = {
    "llama": ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),
    "qwen2": (
        *("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>"),
        *("<|fim_pad|>", "<|repo_name|>", "<|file_sep|>"),
    ),
    "mistral": ("<s>", "</s>", "[PREFIX]", "[MIDDLE]", "[SUFFIX]"),
    "starcoder2": (
        *("<|endoftext|>", "<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<fim_pad>"),
        *("<repo_name>", "<file_sep>"),
    ),
}
MARKERS["qwen3"] = MARKERS["qwen2"]
ENDS = {
    "llama": "<｜end▁of▁sentence｜>",
    "qwen2": "<|endoftext|>",
    "qwen3": "<|endoftext|>",
    "mistral": "</s>",
    "starcoder2": "<|endoftext|>",
}

# What each way of stretching rotary positions looks like in a config; positions up to 256.
ROPE_SCALINGS: dict[str, dict[str, Any]] = {
    "plain": {"rope_type": "default"},
    "linear": {"rope_type": "linear", "factor": 4.0},
    "llama3": {
        "rope_type": "llama3",
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64,
    },
    "yarn": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64},
    "dynamic": {"rope_type": "dynamic", "factor": 2.0},
}

CODE = '''\
def read_lines(path: str, encoding: str = "utf-8") -> list[str]:
    """Return the lines of a text file, without their ends."""
    with open(path, encoding=encoding) as file:
        return [line.rstrip("\\r\\n") for line in file]


class Counter(dict[str, int]):
    def add(self, key: str, amount: int = 1) -> None:
        self[key] = self.get(key, 0) + amount

    def most_common(self, limit: int | None = None) -> list[tuple[str, int]]:
        pairs = sorted(self.items(), key=lambda pair: (-pair[1], pair[0]))
        return pairs if limit is None else pairs[:limit]


public static int sum(int[] values) {
    int total = 0;
    for (int value : values) { total += value; }
    return total;
}
'''

_QWEN2_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_VOCAB_SIZE = 512


def train_tokenizer(family: str) -> PreTrainedTokenizerFast:
    """A byte-level BPE with the family's markers; those for filling in are not marked special, as in Qwen's files."""
    tokenizer = Tokenizer(models.BPE())
    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=family == "starcoder2")
    first = pre_tokenizers.Digits(individual_digits=True)
    if family != "starcoder2":
        first = pre_tokenizers.Split(Regex(_QWEN2_SPLIT), behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([first, to_bytes])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=_VOCAB_SIZE - len(MARKERS[family]),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([CODE] * 4, trainer)
    for marker in MARKERS[family]:
        is_special = "fim" not in marker and "repo" not in marker and "file" not in marker
        added = AddedToken(marker, special=is_special, normalized=False)
        tokenizer.add_special_tokens([added]) if is_special else tokenizer.add_tokens([added])
    assert tokenizer.get_vocab_size() <= _VOCAB_SIZE
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=ENDS[family], add_bos_token=False)


def build_model(family: str, rope: str = "plain", seed: int = 0, **overrides: Any) -> PreTrainedModel:
    """A random float32 model: 2 layers, d_model 64, 4 query heads on 2 key heads, vocabulary 512, 256 positions.

    `rope` names one of ROPE_SCALINGS; `overrides` are fields of the family's own config. Weights are drawn large enough
    for the logits to differ, biases and norm weights are random too.
    """
    classes: dict[str, tuple[Any, Any]] = {
        "llama": (LlamaConfig, LlamaForCausalLM),
        "qwen2": (Qwen2Config, Qwen2ForCausalLM),
        "qwen3": (Qwen3Config, Qwen3ForCausalLM),
        "mistral": (MistralConfig, MistralForCausalLM),
        "starcoder2": (Starcoder2Config, Starcoder2ForCausalLM),
    }
    config_class, model_class = classes[family]
    end_id = _VOCAB_SIZE - 1
    fields: dict[str, Any] = {
        "vocab_size": _VOCAB_SIZE,
        "hidden_size": 64,
        "intermediate_size": 160,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 256,
        "rope_parameters": ROPE_SCALINGS[rope] | {"rope_theta": 10_000.0},
        "bos_token_id": None,
        "eos_token_id": end_id,
        "pad_token_id": None,
    }
    if family == "qwen3":
        fields["head_dim"] = 32  # larger than d_model / heads, as in the real ones
    if family == "mistral":
        fields["sliding_window"] = None
    torch.manual_seed(seed)
    model = model_class(config_class(**(fields | overrides))).float().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(std=0.2)
            elif "norm" in name:
                parameter.normal_(mean=1.0, std=0.2)
            else:
                parameter.normal_(std=0.15)
    return model


def save_model(folder: Path, family: str, rope: str = "plain", seed: int = 0, **overrides: Any) -> PreTrainedModel:
    """Build a model, save it and its tokenizer into `folder` as Hugging Face does, and return it."""
    tokenizer = train_tokenizer(family)
    overrides.setdefault("eos_token_id", tokenizer.eos_token_id)
    model = build_model(family, rope, seed, **overrides)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model
