"""Tiny random Hugging Face models of every family, with a real tokenizer trained on a few lines of code.

Tests of the engine compare against transformers on them; nothing is downloaded.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import gguf
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


def write_letters_only(model: PreTrainedModel, family: str) -> PreTrainedModel:
    """Have a model say nothing but words of letters, which an editor shows wherever they are suggested; return it."""
    tokens = train_tokenizer(family).convert_ids_to_tokens(range(_VOCAB_SIZE))
    with torch.no_grad():
        for number, token in enumerate(tokens):
            if token is None or not (token.isascii() and token.isalpha()):
                model.get_output_embeddings().weight[number] = 0.0  # less likely than what any other is likely for
    return model


def save_model(folder: Path, family: str, rope: str = "plain", seed: int = 0, **overrides: Any) -> PreTrainedModel:
    """Build a model, save it and its tokenizer into `folder` as Hugging Face does, and return it."""
    tokenizer = train_tokenizer(family)
    overrides.setdefault("eos_token_id", tokenizer.eos_token_id)
    model = build_model(family, rope, seed, **overrides)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model


_GGUF_NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "mlp.c_fc": "ffn_up",
    "mlp.c_proj": "ffn_down",
}


def save_gguf(
    path: Path, family: str, model: PreTrainedModel, kind: str = "F32", extra: dict[str, torch.Tensor] | None = None
) -> None:
    """Write a model as llama.cpp's converter does: its names, its order of q and k rows; matrices as `kind` if it fits.

    `extra` adds tensors under their GGUF names. The tokenizer is that of `train_tokenizer`.
    """
    config: Any = model.config
    arch = "llama" if family == "mistral" else family
    writer = gguf.GGUFWriter(path, arch)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    if family == "qwen3":
        writer.add_key_length(config.head_dim)
    if family == "starcoder2":
        writer.add_layer_norm_eps(config.norm_epsilon)
    else:
        writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    add_tokenizer(writer, family, config.vocab_size)
    tensors = {name: tensor.detach().float() for name, tensor in model.named_parameters()}
    for name, tensor in tensors.items():
        stem, _, suffix = name.rpartition(".")
        match = re.fullmatch(r"model\.layers\.(\d+)\.(.*)", stem)
        gguf_name = f"blk.{match[1]}.{_GGUF_NAMES[match[2]]}" if match else _GGUF_NAMES[stem]
        if arch == "llama" and ("q_proj" in name or "k_proj" in name):
            num_heads = config.num_attention_heads if "q_proj" in name else config.num_key_value_heads
            halves = tensor.reshape(num_heads, 2, -1, *tensor.shape[1:])
            tensor = halves.swapaxes(1, 2).reshape(tensor.shape)
        _add_tensor(writer, f"{gguf_name}.{suffix}", tensor, kind)
    for name, tensor in (extra or {}).items():
        _add_tensor(writer, name, tensor, "F32")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_tensor(writer: gguf.GGUFWriter, name: str, tensor: torch.Tensor, kind: str) -> None:
    quant = gguf.GGMLQuantizationType[kind]
    fits = tensor.ndim == 2 and tensor.shape[1] % gguf.GGML_QUANT_SIZES[quant][0] == 0
    if kind == "F32" or not fits:
        writer.add_tensor(name, tensor.numpy())
    else:
        writer.add_tensor(name, gguf.quants.quantize(tensor.numpy(), quant), raw_dtype=quant)


def add_tokenizer(writer: gguf.GGUFWriter, family: str, vocab_size: int) -> None:
    backend = train_tokenizer(family).backend_tokenizer
    model = json.loads(backend.to_str())["model"]
    tokens = [backend.id_to_token(i) or f"[PAD{i}]" for i in range(vocab_size)]
    types = [3 if token in MARKERS[family] else 1 if backend.token_to_id(token) is not None else 5 for token in tokens]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("starcoder" if family == "starcoder2" else "qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges([" ".join(pair) for pair in model["merges"]])
    writer.add_eos_token_id(tokens.index(ENDS[family]))
    writer.add_add_bos_token(False)
