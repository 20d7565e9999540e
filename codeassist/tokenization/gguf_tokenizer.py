"""A Hugging Face tokenizer (tokenizer.json, tokenizer_config.json) built from a GGUF file's metadata.

Metadata in, JSON values out. Which expression splits text stands in `tokenizer.ggml.pre` as a name only; the
expressions here are those of the models' own tokenizer.json files and of llama.cpp.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from codeassist.errors import ModelError

_NORMAL, _UNKNOWN, _CONTROL, _USER_DEFINED, _UNUSED = 1, 2, 3, 4, 5

_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_LLAMA3 = _QWEN2.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
_TEKKEN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_CONTRACTION = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_GPT4O = (
    rf"[^\r\n\p{{L}}\p{{N}}]?[\p{{Lu}}\p{{Lt}}\p{{Lm}}\p{{Lo}}\p{{M}}]*[\p{{Ll}}\p{{Lm}}\p{{Lo}}\p{{M}}]+{_CONTRACTION}?"
    rf"|[^\r\n\p{{L}}\p{{N}}]?[\p{{Lu}}\p{{Lt}}\p{{Lm}}\p{{Lo}}\p{{M}}]+[\p{{Ll}}\p{{Lm}}\p{{Lo}}\p{{M}}]*{_CONTRACTION}?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_SEED_CODER = (
    rf"{_CONTRACTION}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}"
    r"| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_DEEPSEEK_CODER = ("[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-퟿]+", r"\p{N}")
_ONE_DIGIT = (r"\p{N}", _GPT2)

# `pre` -> expressions, each splitting what the one before left whole.
_SPLITS: dict[str, tuple[str, ...]] = {
    "gpt-2": (_GPT2,),
    "gpt2": (_GPT2,),
    "mpt": (_GPT2,),
    "olmo": (_GPT2,),
    "jina-v2-code": (_GPT2,),
    "mellum": (_GPT2,),
    "starcoder": _ONE_DIGIT,
    "refact": _ONE_DIGIT,
    "smollm": _ONE_DIGIT,
    "codeshell": _ONE_DIGIT,
    "command-r": _ONE_DIGIT,
    "exaone": _ONE_DIGIT,
    "qwen2": (_QWEN2,),
    "deepseek-r1-qwen": (_QWEN2,),
    "stablelm2": (_QWEN2,),
    "llama-bpe": (_LLAMA3,),
    "llama3": (_LLAMA3,),
    "llama-v3": (_LLAMA3,),
    "falcon3": (_LLAMA3,),
    "smaug-bpe": (_LLAMA3,),
    "dbrx": (_LLAMA3,),
    "chatglm-bpe": (_LLAMA3,),
    "glm4": (_LLAMA3,),
    "gpt-4o": (_GPT4O,),
    "seed-coder": (_SEED_CODER,),
    "tekken": (_TEKKEN,),
    "deepseek-coder": _DEEPSEEK_CODER,
}
KNOWN_PRE = tuple(_SPLITS)
_WHOLE_WORDS_FIRST = ("llama-bpe", "llama3", "llama-v3", "falcon3", "tekken")  # a word that is a token is not merged


def tokenizer_files(metadata: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (tokenizer.json, tokenizer_config.json). Raises ModelError for a vocabulary of an unknown kind."""
    kind = metadata.get("tokenizer.ggml.model")
    tokens: list[str] = metadata.get("tokenizer.ggml.tokens", [])
    types: list[int] = metadata.get("tokenizer.ggml.token_type", [_NORMAL] * len(tokens))
    if not tokens or len(types) != len(tokens) or len(set(tokens)) != len(tokens):
        raise ModelError("the GGUF file's vocabulary is missing or does not fit its token types; fetch it again")
    ids = range(len(tokens))
    vocab = {token: i for i, token, token_type in zip(ids, tokens, types, strict=True) if token_type != _UNUSED}
    match kind:
        case "gpt2":
            tokenizer = _byte_level(metadata, vocab)
        case "llama":
            tokenizer = _sentencepiece(metadata, tokens, vocab)
        case _:
            raise ModelError(f"the GGUF file's tokenizer is of kind {kind!r}; known are 'gpt2' and 'llama'")
    special = {_CONTROL: True, _UNKNOWN: True, _USER_DEFINED: False}
    tokenizer["added_tokens"] = [
        {
            "id": token_id,
            "content": token,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": special[token_type],
        }
        for token_id, (token, token_type) in enumerate(zip(tokens, types, strict=True))
        if token_type in special
    ]
    return tokenizer, _config(metadata, tokens)


def _config(metadata: Mapping[str, Any], tokens: list[str]) -> dict[str, Any]:
    config: dict[str, Any] = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False}
    for ours, theirs in (("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("pad", "padding")):
        token_id = metadata.get(f"tokenizer.ggml.{theirs}_token_id")
        if isinstance(token_id, int) and token_id < len(tokens):
            config[f"{ours}_token"] = tokens[token_id]
    wants_bos = metadata["tokenizer.ggml.model"] == "llama" or _pre(metadata) in _WHOLE_WORDS_FIRST
    config["add_bos_token"] = bool(metadata.get("tokenizer.ggml.add_bos_token", wants_bos))
    if isinstance(metadata.get("tokenizer.chat_template"), str):
        config["chat_template"] = metadata["tokenizer.chat_template"]
    return config


def _pre(metadata: Mapping[str, Any]) -> str:
    return str(metadata.get("tokenizer.ggml.pre", "default"))


def _byte_level(metadata: Mapping[str, Any], vocab: dict[str, int]) -> dict[str, Any]:
    pre = _pre(metadata)
    if pre not in _SPLITS:
        raise ModelError(
            f"the GGUF file splits text as {pre!r}, which is not known here; "
            "take the model's safetensors folder, or a GGUF file made by a newer llama.cpp if it says 'default'"
        )
    splits: list[dict[str, Any]] = [
        {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False}
        for regex in _SPLITS[pre]
    ]
    to_bytes = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    merges = metadata.get("tokenizer.ggml.merges")
    if not merges:
        raise ModelError("the GGUF file has no merges for its byte-level vocabulary; fetch it again")
    model = _bpe(vocab, merges, byte_fallback=False)
    return {
        "version": "1.0",
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [*splits, to_bytes]},
        "post_processor": None,
        "decoder": to_bytes,
        "model": model | {"ignore_merges": pre in _WHOLE_WORDS_FIRST},
    }


def _sentencepiece(metadata: Mapping[str, Any], tokens: list[str], vocab: dict[str, int]) -> dict[str, Any]:
    merges = metadata.get("tokenizer.ggml.merges") or _merges_by_score(metadata, tokens)
    adds_space = bool(metadata.get("tokenizer.ggml.add_space_prefix", True))
    decoders: list[dict[str, Any]] = [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
        {"type": "ByteFallback"},
        {"type": "Fuse"},
    ]
    if adds_space:
        decoders.append({"type": "Strip", "content": " ", "start": 1, "stop": 0})
    return {
        "version": "1.0",
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Metaspace",
            "replacement": "▁",
            "prepend_scheme": "first" if adds_space else "never",
            "split": False,
        },
        "post_processor": None,
        "decoder": {"type": "Sequence", "decoders": decoders},
        "model": _bpe(vocab, merges, byte_fallback=True),
    }


def _bpe(vocab: dict[str, int], merges: list[Any], *, byte_fallback: bool) -> dict[str, Any]:
    return {
        "type": "BPE",
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
        "byte_fallback": byte_fallback,
        "vocab": vocab,
        "merges": merges,
    }


def _merges_by_score(metadata: Mapping[str, Any], tokens: list[str]) -> list[list[str]]:
    """SentencePiece joins the pair that scores highest: every way to cut a token is a merge, best score first."""
    scores: list[float] = metadata.get("tokenizer.ggml.scores", [])
    if len(scores) != len(tokens):
        raise ModelError("the GGUF file has neither merges nor scores for its vocabulary; fetch it again")
    ids = {token: token_id for token_id, token in enumerate(tokens)}
    cuts: list[tuple[float, str, str]] = []
    for token, score in zip(tokens, scores, strict=True):
        pairs = [(token[:cut], token[cut:]) for cut in range(1, len(token))]
        known = [(left, right) for left, right in pairs if left in ids and right in ids]
        known.sort(key=lambda pair: (ids[pair[0]], ids[pair[1]]))
        cuts += [(score, left, right) for left, right in known]
    cuts.sort(key=lambda cut: (cut[0], len(cut[1]), len(cut[2])), reverse=True)
    return [[left, right] for _, left, right in cuts]
