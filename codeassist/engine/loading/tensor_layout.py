"""Which tensors a model consists of, the same for every family, and from which parts the fused ones are made.

No file, no format, no numbers. Rows are outputs; q and k rows are in the half-split order ("rotate_half": the two
halves of a head are rotated against each other).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from codeassist.engine.configuration.model_config import ModelConfig


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a tensor, under the name that a source knows them by (`layers.0.k.weight`)."""

    name: str
    num_rows: int


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One canonical tensor: its parts stacked in this order. `num_cols` None: a vector (norm weight, bias), float32."""

    name: str
    parts: tuple[Part, ...]
    num_cols: int | None

    @property
    def num_rows(self) -> int:
        """Rows of a matrix, length of a vector."""
        return sum(part.num_rows for part in self.parts)

    @property
    def shape(self) -> tuple[int, ...]:
        """(rows, cols) or (rows,)."""
        return (self.num_rows,) if self.num_cols is None else (self.num_rows, self.num_cols)

    @property
    def scale_name(self) -> str:
        """What an int8 matrix's row scales (rows,) float32 are called: `X.scale` for `X.weight`, `embed.scale`."""
        return self.name.removesuffix(".weight") + ".scale"


def model_tensors(config: ModelConfig) -> Iterator[TensorSpec]:
    """Every tensor of a model of this shape.

    `embed` (V, D) and, when untied, `head` (V, D); `norm.weight` (D,); and in each layer `attn_norm.weight` (D,),
    `qkv.weight` ((H + 2·H_kv)·Dh, D), `q_norm.weight` and `k_norm.weight` (Dh,), `o.weight` (D, H·Dh),
    `mlp_norm.weight` (D,), `gate_up.weight` (2F, D) or `up.weight` (F, D), `down.weight` (D, F); biases likewise. With
    norms behind them `attn_post_norm.weight` and `mlp_post_norm.weight` (D,).
    """
    d_model, d_ff = config.d_model, config.d_ff
    q_rows, kv_rows = config.num_heads * config.head_dim, config.num_kv_heads * config.head_dim
    yield _matrix("embed", config.vocab_size, d_model)
    if not config.tied_embeddings:
        yield _matrix("head", config.vocab_size, d_model)
    yield from _norm(config, "norm")
    for layer_idx in range(config.num_layers):
        layer = f"layers.{layer_idx}"
        yield from _norm(config, f"{layer}.attn_norm")
        qkv = {"q": q_rows, "k": kv_rows, "v": kv_rows}
        yield from _linear(layer, "qkv", qkv, d_model, has_bias=config.qkv_bias)
        if config.qk_norm:
            yield _vector(f"{layer}.q_norm.weight", config.head_dim)
            yield _vector(f"{layer}.k_norm.weight", config.head_dim)
        yield from _linear(layer, "o", {"o": d_model}, q_rows, has_bias=config.out_bias)
        if config.post_norms:
            yield from _norm(config, f"{layer}.attn_post_norm")
            yield from _norm(config, f"{layer}.mlp_post_norm")
        yield from _norm(config, f"{layer}.mlp_norm")
        if config.gated_mlp:
            yield from _linear(layer, "gate_up", {"gate": d_ff, "up": d_ff}, d_model, has_bias=config.mlp_bias)
        else:
            yield from _linear(layer, "up", {"up": d_ff}, d_model, has_bias=config.mlp_bias)
        yield from _linear(layer, "down", {"down": d_model}, d_ff, has_bias=config.mlp_bias)


def rows_of(config: ModelConfig, kind: str) -> int | None:
    """How many rows a projection has that may stand in one tensor with others; None for other kinds of tensors."""
    kv_rows = config.num_kv_heads * config.head_dim
    rows = {"q": config.num_heads * config.head_dim, "k": kv_rows, "v": kv_rows, "gate": config.d_ff, "up": config.d_ff}
    return rows.get(kind)


def rows_before(config: ModelConfig, names: Mapping[str, str], kind: str) -> tuple[int, int] | None:
    """Where a part stands in the tensor that it shares with others of the same name, as (rows before it, rows of all).

    None for a part that has a tensor of its own.
    """
    sharing = [each for each in ("q", "k", "v", "gate", "up") if each in names and names[each] == names.get(kind)]
    if kind not in sharing or len(sharing) == 1:
        return None
    counts = [rows_of(config, each) or 0 for each in sharing]
    return sum(counts[: sharing.index(kind)]), sum(counts)


def pairs_to_halves(config: ModelConfig, start: int, stop: int) -> list[int]:
    """Where rows [start, stop) of q or k, heads in halves, stand in a source that has what rotates together side by
    side: of the part of a head that rotates."""
    head_dim, half = config.head_dim, config.rotary_dim // 2
    inside = [2 * i for i in range(half)] + [2 * i + 1 for i in range(half)] + list(range(2 * half, head_dim))
    return [row // head_dim * head_dim + inside[row % head_dim] for row in range(start, stop)]


def _linear(layer: str, name: str, rows: dict[str, int], num_cols: int, *, has_bias: bool) -> Iterator[TensorSpec]:
    for kind, cols in (("weight", num_cols), ("bias", None)):
        if kind == "weight" or has_bias:
            parts = tuple(Part(f"{layer}.{part}.{kind}", num_rows) for part, num_rows in rows.items())
            yield TensorSpec(f"{layer}.{name}.{kind}", parts, cols)


def _norm(config: ModelConfig, name: str) -> Iterator[TensorSpec]:
    yield _vector(f"{name}.weight", config.d_model)
    if config.norm == "layer":
        yield _vector(f"{name}.bias", config.d_model)


def _matrix(name: str, num_rows: int, num_cols: int) -> TensorSpec:
    return TensorSpec(name, (Part(name, num_rows),), num_cols)


def _vector(name: str, length: int) -> TensorSpec:
    return TensorSpec(name, (Part(name, length),), None)
