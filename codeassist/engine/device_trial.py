"""A model tried on a device whose kernels are not known to be complete, before anybody waits for an answer of it."""

from __future__ import annotations

import torch

from codeassist.engine.cache.live_cache import LiveCache
from codeassist.engine.layers.model import Model
from codeassist.errors import ModelError

_NUM_TOKENS = 48


class OperationMissing(ModelError):  # noqa: N818 — a state, as the house names it
    """The device lacks an operation that the model needs."""


def try_model(model: Model) -> None:
    """Read a short prompt, edit it, go on behind it, heal: every kind of pass once. Raises OperationMissing."""
    tokens = [1 + number % 7 for number in range(_NUM_TOKENS)]
    try:
        cache = LiveCache(model, 2 * _NUM_TOKENS)
        cache.sync(tokens)
        hidden, _ = cache.sync([*tokens[:20], 3, *tokens[20:]], [range(30, 40)])
        hidden = torch.cat([hidden, cache.extend([2, 3, 4])])
        torch.cat([hidden, cache.look_ahead(10, [2, 3, 4], [None, 0, 0])])
        cache.truncate(_NUM_TOKENS)
        cache.states.place(0, cache.states.export(20, 30))
        cache.heal(_NUM_TOKENS)
        logits = model.logits(hidden)
        float(torch.logsumexp(logits[0], dim=-1) - logits[0].topk(2).values[1] + logits[0].argmax())
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, TypeError) as error:  # NotImplementedError is the first; the second: a dtype it does not have
        reason = str(error).strip().partition("\n")[0]
        raise OperationMissing(
            f"the model does not run on this machine's GPU ({model.device.type}: {reason}); set model.device to cpu"
        ) from error
