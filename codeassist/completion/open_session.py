"""A session opened as the settings ask: the model placed on a device, converted, loaded, with its template."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from codeassist.completion.pipeline import Prompter
from codeassist.completion.session import Session
from codeassist.errors import ModelError
from codeassist.models.placement import Placement, placements
from codeassist.progress import Progress, silent
from codeassist.prompts.prompt import Budget
from codeassist.prompts.templates import Template, is_trained, named, recognise, without_fim
from codeassist.settings import Settings, UserModel

if TYPE_CHECKING:  # torch takes two seconds to import: only who opens a session pays for it
    from codeassist.models.model_store import InstalledModel
    from codeassist.monitor.monitor_set import AnalysisSource, MonitorSet
    from codeassist.tokenization.byte_trie import ByteTrie
    from codeassist.tokenization.tokens import Tokenizer

log = logging.getLogger(__name__)


def open_session(
    settings: Settings,
    model: InstalledModel,
    progress: Progress = silent,
    *,
    analysts: AnalysisSource | None = None,
    notices: tuple[str, ...] = (),
    speculate: bool = True,
) -> Session:
    """Load an installed model as the settings ask, converting it first if this is its first use.

    `analysts` know the names that monitors hold answers to. `notices` of choosing the model stand before the session's
    own. `speculate`: drafts are verified, as `Engine` says. Raises ModelError for a model that this engine cannot run,
    and for a device that is not there.
    """
    import torch

    from codeassist.engine.device_trial import OperationMissing
    from codeassist.engine.layers.int8_products import int8_supported

    if settings.model.threads is not None:
        torch.set_num_threads(settings.model.threads)
    is_there = {"has_cuda": torch.cuda.is_available(), "has_mps": torch.backends.mps.is_available()}
    lacking: tuple[str, ...] = ()
    for place in placements(settings.model, **is_there, has_int8=int8_supported()):
        if lacking and place.device != "cpu":
            continue
        try:
            there = replace(place, notice=None) if lacking else place
            return _open(settings, model, there, progress, analysts, (*notices, *lacking), speculate)
        except OperationMissing as error:
            if settings.model.device != "auto":
                raise
            log.warning("%s on %s: %s", model.name, place.device, error)
            lacking = (f"{error}, where it runs now",)
        except torch.OutOfMemoryError as error:
            log.warning("%s on %s with %d tokens: %s", model.name, place.device, place.context_tokens, error)
            torch.cuda.empty_cache()
    raise ModelError(f"{model.name} fits neither the GPU's memory nor this machine's; choose a smaller one")


def _open(
    settings: Settings,
    model: InstalledModel,
    place: Placement,
    progress: Progress,
    analysts: AnalysisSource | None,
    said: tuple[str, ...],
    speculate: bool,
) -> Session:
    """Load a model in one place. Raises torch.OutOfMemoryError where that does not hold it and one document."""
    import torch

    from codeassist.engine.cache.states_on_disk import StatesOnDisk, states_folder
    from codeassist.engine.device_trial import try_model
    from codeassist.engine.engine import Engine
    from codeassist.engine.layers.model import Model
    from codeassist.engine.loading.weights import drop_damaged, open_weights, prepare
    from codeassist.monitor.monitor_set import MonitorSet
    from codeassist.tokenization.byte_trie import open_trie
    from codeassist.tokenization.tokens import Tokenizer

    device = torch.device(place.device)
    converted = settings.places.cache / "weights"
    damage = drop_damaged(converted, model.sha256, (place.format,))
    folder = prepare(
        model.path,
        place.format,
        converted,
        model.sha256,
        lambda done, total: progress("converting the model", done, total),
        model.adapter,
    )
    weights = open_weights(folder)
    config = weights.config
    longest = min(config.max_positions, config.sliding_window or config.max_positions)
    notices = [*said, place.notice] if place.notice is not None else [*said]
    notices += [f"{each}; the model was converted anew" for each in damage]
    room = settings.completion.max_new_tokens + 64  # drafts reach beyond the answer
    more_room = 2 * settings.completion.max_new_tokens  # for alternatives beside the first
    context_tokens = place.context_tokens
    if context_tokens + room > longest:
        context_tokens = longest - room
        if context_tokens < 64:
            raise ModelError(f"{model.name} sees {longest} tokens, too few for {room} new ones; lower max_new_tokens")
        notices.append(f"{model.name} sees {longest} tokens: the prompt is cut to {context_tokens}")

    def read_tokenizer() -> tuple[Tokenizer, ByteTrie, MonitorSet]:
        read = Tokenizer.load(folder)
        tries = settings.places.cache / "tries"
        trie = open_trie(read, folder / "tokenizer.json", tries)
        return read, trie, MonitorSet(read, trie, analysts)

    with ThreadPoolExecutor(max_workers=1) as pool:  # half a second, beside the packing of the weights
        reading = pool.submit(read_tokenizer)
        loaded = Model(weights, device, max_positions=context_tokens + room)
        if place.device == "mps":
            try_model(loaded)
        if device.type != "cpu":
            loaded.new_cache(context_tokens + room + more_room)  # to see that there is memory for one
        tokenizer, trie, monitoring = reading.result()
    own = settings.models.get(model.name)
    template, lack = _template(model, own, tokenizer.special, config.published_names)
    if lack is not None:
        notices.append(f"{model.name} {lack}: what stands after the cursor is not seen")
    disk_bytes = settings.cache.disk_mib << 20
    states = states_folder(settings.places.cache, folder.name)
    on_disk = StatesOnDisk(states, config, disk_bytes) if disk_bytes else None
    engine = Engine(
        loaded,
        max_tokens=context_tokens + room,
        branch_tokens=more_room,
        memory_bytes=settings.cache.memory_mib << 20,
        snippet_bytes=settings.cache.memory_mib << 18,  # a quarter as much again
        on_disk=on_disk,
        exact=settings.cache.mode == "exact",
        barriers=frozenset(tokenizer.special.values()),
        speculate=speculate,
    )
    prompter = Prompter(tokenizer, template, Budget(context_tokens), trie)
    form = None if own is None else own.edit_form
    calibration = model.edit_calibration if own is None or own.edit_calibration is None else own.edit_calibration
    return Session(model.name, engine, prompter, tuple(notices), monitoring, form, calibration)


def _template(
    model: InstalledModel, own: UserModel | None, special: Mapping[str, int], published_names: tuple[str, ...]
) -> tuple[Template, str | None]:
    """The template of a model, its entry's where that names one; and why it does not fill in where it does not."""
    if own is not None and own.template is not None:
        return named(own.template, special), None
    template = recognise(special)
    if template.fim is None:
        return template, "has no fill-in-the-middle"
    hub = () if own is None or own.hub is None else (own.hub,)
    if is_trained((*published_names, *hub, model.path.name.removesuffix(".gguf"), model.name)):
        return template, None
    opt_in = f'[models.{model.name}] template = "{template.name}" in your config.toml has it used all the same'
    return without_fim(template), f"owns the tokens of fill-in-the-middle and was not trained with them ({opt_in})"
