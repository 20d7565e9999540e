"""Cutting a tokenizer.json down to a tokenizer of plain text: no text can make it yield a special token.

Values in, values out. Special, added and control tokens are taken out of the vocabulary together with every merge that
could make one. `encode_special_tokens` of the tokenizers library does less: Qwen's `<|fim_prefix|>` is an added token
that is not marked special.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from codeassist.errors import ModelError

SPACE_MARK = "▁"  # what SentencePiece writes for a space

# Names of special tokens that some files list as if they were ordinary ones.
_MARKERS = (
    *("<s>", "</s>", "<unk>", "<pad>", "<bos>", "<eos>", "[INST]", "[/INST]", "[PREFIX]", "[SUFFIX]", "[MIDDLE]"),
    *("<PRE>", "<SUF>", "<MID>", "<EOT>", "<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<fim_pad>"),
    *("<repo_name>", "<reponame>", "<file_sep>", "<filename>", "<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>"),
)
_BARS = ("<|", "<｜", SPACE_MARK + "<|", SPACE_MARK + "<｜")  # <|endoftext|>, <｜fim▁begin｜>
_UNICODE_FORMS = ("NFC", "NFD", "NFKC", "NFKD")


@dataclass(frozen=True, slots=True)
class PlainTextTokenizer:
    """A BPE without special tokens, and the names and ids of those that were taken out.

    `is_byte_level`: tokens are written in GPT-2's byte alphabet; otherwise in text, with `▁` for a space and `<0xE2>`
    for a byte. `steps` holds the normalizer and pre_tokenizer in the words of tokenizer.json. `begins_with_special`:
    the file itself puts a special token in front of every text (this one does not).
    """

    vocab: Mapping[str, int]
    merges: list[tuple[str, str]]
    ignore_merges: bool
    is_byte_level: bool
    steps: dict[str, Any]
    special: Mapping[str, int]
    begins_with_special: bool


def plain_text_tokenizer(tokenizer: dict[str, Any]) -> PlainTextTokenizer:
    """Cut down a tokenizer.json value, which is left as it is. Raises ModelError for one that cannot give text back.

    Unicode normalisation (Qwen's NFC) is left out, and so is a space put in front: every text must come back exactly.
    """
    try:
        return _plain_text_tokenizer(tokenizer)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"the model's tokenizer.json cannot be read: {error!r}; fetch the model again") from error


def _plain_text_tokenizer(tokenizer: dict[str, Any]) -> PlainTextTokenizer:
    model: dict[str, Any] = tokenizer["model"]
    if model.get("type", "BPE") != "BPE":
        raise ModelError(f"the model's tokenizer is of type {model['type']}; only BPE is read")
    if model.get("continuing_subword_prefix") or model.get("end_of_word_suffix"):
        raise ModelError("the model's tokenizer marks the parts of words, which cannot give text back exactly")
    vocab: dict[str, int] = model["vocab"]
    merges = _pairs(model["merges"])
    entries: list[dict[str, Any]] = tokenizer.get("added_tokens") or []
    added = {str(entry["content"]): int(entry["id"]) for entry in entries}
    special = added | _markers_that_no_text_makes(vocab, merges, added)
    pre_tokenizer = _pre_tokenizer(tokenizer.get("pre_tokenizer"))
    steps = {"normalizer": _normalizer(tokenizer.get("normalizer")), "pre_tokenizer": pre_tokenizer}
    is_byte_level = any(step["type"] == "ByteLevel" for step in _flat(pre_tokenizer, "pretokenizers"))
    if not is_byte_level and not model.get("byte_fallback"):
        raise ModelError("the model's tokenizer cannot write every character (neither byte-level nor byte fallback)")
    special_ids = set(special.values())
    hidden = {token for token, token_id in vocab.items() if token_id in special_ids or token in special}
    unmade = hidden if is_byte_level else hidden | {f"<0x{byte:02X}>" for byte in range(256)}
    return PlainTextTokenizer(
        vocab={token: token_id for token, token_id in vocab.items() if token not in hidden},
        merges=_merges_without(unmade, merges),
        ignore_merges=bool(model.get("ignore_merges", False)),
        is_byte_level=is_byte_level,
        steps=steps,
        begins_with_special=any(
            step["type"] == "TemplateProcessing" and "SpecialToken" in step["single"][0]
            for step in _flat(tokenizer.get("post_processor"), "processors")
        ),
        special={name.removeprefix(SPACE_MARK) or name: token_id for name, token_id in special.items()},
    )


def _pairs(merges: list[Any]) -> list[tuple[str, str]]:
    """Merges are written "a b" (all of them) or ["a", "b"]."""
    if merges and isinstance(merges[0], str):
        return [(left, right) for left, _, right in (merge.partition(" ") for merge in merges)]
    return [(left, right) for left, right in merges]


def _merges_without(unmade: set[str], merges: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The merges that neither make nor use one of these tokens. (The first characters spare most of the look-ups.)"""
    first_chars = {token[0] for token in unmade if token}
    return [
        pair
        for pair in merges
        if pair[1] not in unmade
        and (pair[0][:1] not in first_chars or (pair[0] not in unmade and pair[0] + pair[1] not in unmade))
    ]


def _markers_that_no_text_makes(
    vocab: Mapping[str, int], merges: list[tuple[str, str]], known: Mapping[str, int]
) -> dict[str, int]:
    """Further entries named like markers that no merge makes. (Qwen's `</s>` is made by merges: it is plain text.)"""
    names = [name for marker in _MARKERS for name in (marker, SPACE_MARK + marker) if name in vocab]
    names += [name for name in vocab if name.startswith(_BARS) and name.endswith(("|>", "｜>")) and len(name) > 4]
    cuts = {(name[:cut], name[cut:]): name for name in names if name not in known for cut in range(1, len(name))}
    made = {cuts[pair] for pair in merges if pair in cuts} if cuts else set[str]()
    return {name: vocab[name] for name in names if name not in known and name not in made}


def _flat(node: Any, children: str) -> list[dict[str, Any]]:
    if node is None:
        return []
    if node["type"] == "Sequence":
        return [step for child in node[children] for step in _flat(child, children)]
    return [node]


def _normalizer(node: Any) -> dict[str, Any] | None:
    kept: list[dict[str, Any]] = []
    for step in _flat(node, "normalizers"):
        if step["type"] == "Replace" and step["pattern"] == {"String": " "} and step["content"] == SPACE_MARK:
            kept.append(step)
        elif step["type"] != "Prepend" and step["type"] not in _UNICODE_FORMS:
            raise ModelError(f"the model's tokenizer changes text before it reads it ({step['type']}); it is not run")
    return {"type": "Sequence", "normalizers": kept} if kept else None


def _pre_tokenizer(node: Any) -> dict[str, Any] | None:
    kept: list[dict[str, Any]] = []
    for step in _flat(node, "pretokenizers"):
        if step["type"] == "ByteLevel":
            kept.append(step | {"add_prefix_space": False})
        elif step["type"] == "Metaspace":
            others = {key: value for key, value in step.items() if key != "add_prefix_space"}
            kept.append(others | {"prepend_scheme": "never"})
        else:
            kept.append(step)
    return {"type": "Sequence", "pretokenizers": kept} if kept else None
