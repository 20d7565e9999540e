"""The model in service: loaded in the background, replaced at run time, its inference thread watched.

What is in service goes on serving until its successor stands.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from codeassist.errors import Cancelled, CodeAssistError, ModelError, ModelMissing
from codeassist.processes import own_program
from codeassist.progress import Progress
from codeassist.settings import Settings

if TYPE_CHECKING:  # torch takes two seconds to import: the loader's thread pays for it
    from codeassist.completion.completer import Completer
    from codeassist.completion.document_state import DocumentState
    from codeassist.engine.inference_thread import InferenceThread

T = TypeVar("T")
log = logging.getLogger(__name__)

LoadSession = Callable[[Settings, Progress], "Completer"]
_RETRY_S = 10.0


@dataclass(frozen=True, slots=True)
class Loading:
    """How far the loading of a model is; `total` None: not known."""

    name: str
    stage: str
    done: int = 0
    total: int | None = None


@dataclass(frozen=True, slots=True)
class ModelState:
    """What is in service, what is being loaded, and what went wrong last; None where there is no such thing.

    `missing`: the model that is not installed, where that is the problem, by the name that fetches it; `lack` says so
    in a few words, where `problem` says what to do.
    """

    name: str | None = None
    device: str | None = None
    notices: Sequence[str] = ()
    loading: Loading | None = None
    problem: str | None = None
    missing: str | None = None
    lack: str | None = None

    @property
    def is_to_come(self) -> bool:
        """Whether a first model is still being loaded, as far as is known."""
        return self.name is None and self.problem is None


@dataclass(slots=True)
class _Service:
    """A loaded model and the thread that owns its engine."""

    session: Completer
    thread: InferenceThread
    wanted: Settings
    told: str | None = None  # the session's problem that was made known last


class Inference:
    """Loads what `want` asks for, one model at a time, and runs jobs on the one in service. For any thread.

    `num_loaded` tells one model in service from the next. `is_settled` once the first one is wholly in memory or could
    not be loaded: until then whatever can wait leaves the cores to it. `on_change` is called with the state after
    every change of it, in the thread that made it.
    """

    def __init__(self, load: LoadSession, on_change: Callable[[ModelState], None] = lambda state: None) -> None:
        self._load = load
        self._on_change = on_change
        self._lock = threading.RLock()
        self._wanted: Settings | None = None
        self._service: _Service | None = None
        self._loader: threading.Thread | None = None
        self._failed_at_s = -_RETRY_S
        self._state = ModelState()
        self._is_closed = False
        self.num_restarts = 0
        self.num_loaded = 0
        self.is_settled = False

    @property
    def state(self) -> ModelState:
        """What is in service now."""
        return self._state

    @property
    def served(self) -> Settings | None:
        """The settings that the model in service was loaded with."""
        service = self._service
        return None if service is None else service.wanted

    @property
    def is_loading(self) -> bool:
        """Whether a thread of ours is loading a model."""
        return self._loader is not None

    def want(self, settings: Settings) -> None:
        """Have the model that these settings name served as soon as it is loaded. Returns at once."""
        with self._lock:
            if self._wanted is not None and _of_model(settings) == _of_model(self._wanted):
                return
            self._wanted = settings
            self._start_loader()

    def try_again(self) -> None:
        """Look for a model that could not be loaded, if the last look is some seconds ago: it may be there by now."""
        with self._lock:
            if self._state.problem is not None and time.monotonic() - self._failed_at_s > _RETRY_S:
                self._start_loader()

    def submit(self, job: Callable[[Completer], T]) -> Future[T]:
        """Run `job` on the inference thread. Raises ModelError while no model is in service."""
        with self._lock:
            self.revive()
            service = self._service
            if service is None:
                raise ModelError(self._state.problem or "the model is still being loaded")
            return service.thread.submit(lambda: self._done(service, job))

    def _done(self, service: _Service, job: Callable[[Completer], T]) -> T:
        """Do a job on the inference thread, and see what it changed: a server may be away, a model have come for it."""
        try:
            return job(service.session)
        finally:
            service.thread.engine = service.session.engine
            problem = service.session.problem
            if problem != service.told and service is self._service:
                service.told = problem
                self._change(problem=problem)

    def revive(self) -> None:
        """Put a new thread in the place of one that has ended by itself."""
        with self._lock:
            if self._service is not None and not self._service.thread.is_alive:
                self._restart(self._service)

    def forget(self, document: DocumentState) -> None:
        """Free the caches of a document that was closed."""
        with self._lock:
            if self._service is not None and self._service.thread.is_alive:
                self._service.thread.submit(document.close)

    def close(self) -> None:
        """Load nothing more and end the thread after the job that it runs."""
        with self._lock:
            self._is_closed = True
            service, self._service = self._service, None
        if service is not None:
            _end(service)

    def _start_loader(self) -> None:
        if self._loader is None and not self._is_closed:
            self._loader = threading.Thread(target=self._load_what_is_wanted, name="model-loader", daemon=True)
            self._loader.start()

    def _load_what_is_wanted(self) -> None:
        tried: Settings | None = None
        while True:
            with self._lock:
                wanted = self._wanted
                assert wanted is not None
                if tried is not None and _of_model(tried) == _of_model(wanted):
                    self._loader = None
                    return
                served = self._service.wanted if self._service is not None else None
            tried = wanted
            if served is not None and _of_model(served) == _of_model(wanted):
                self._change(problem=None)  # the setting went back to what is in service
            else:
                self._load_one(wanted)

    def _load_one(self, wanted: Settings) -> None:
        def report(stage: str, done: int, total: int | None) -> None:
            with self._lock:
                if self._is_closed or (self._wanted is not None and _of_model(self._wanted) != _of_model(wanted)):
                    raise Cancelled(f"{wanted.model.name} is not wanted any more")
            self._change(loading=Loading(wanted.model.name, stage, done, total))

        try:
            report("loading", 0, None)
            began = time.perf_counter()
            session = self._load(wanted, report)
            service = self._start_thread(session, wanted)
        except Cancelled as error:
            log.info("%s", error)
            self._change(loading=None)
            return
        except ModelMissing as error:
            self._fail(_what_to_do(error), error)
            return
        except CodeAssistError as error:
            self._fail(str(error))
            return
        except Exception as error:  # the boundary of loading: whoever types must not be left without a word
            log.exception("loading %s failed", wanted.model.name)
            self._fail(f"loading {wanted.model.name} failed: {type(error).__name__}: {error}; the log has more")
            return
        took_s = time.perf_counter() - began
        with self._lock:
            former, self._service = self._service, service
            self.num_loaded += 1
            if self._is_closed:
                former, self._service = service, None
        device = "remote" if session.engine is None else str(session.engine.model.device)
        self._change(name=session.model_name, device=device, notices=tuple(session.notices), loading=None, problem=None)
        log.info("%s loaded in %.1f s", session.model_name, took_s)
        if former is not None:
            _end(former)
        if session.engine is not None:
            session.engine.model.wait()
        self.is_settled = True

    def _fail(self, problem: str, missing: ModelMissing | None = None) -> None:
        stays = ""
        with self._lock:
            self._failed_at_s = time.monotonic()
            if self._service is not None:
                stays = f" ({self._service.session.model_name} stays in service)"
        log.warning("%s%s", problem, stays)
        self.is_settled = True
        name, lack = (None, None) if missing is None else (missing.name, missing.lack + stays)
        self._change(loading=None, problem=problem + stays, missing=name, lack=lack)

    def _start_thread(self, session: Completer, wanted: Settings) -> _Service:
        from codeassist.engine.inference_thread import InferenceThread

        thread = InferenceThread(session.engine, on_death=self._report_death)
        return _Service(session, thread, wanted)

    def _report_death(self, error: BaseException) -> None:
        self._change(problem=f"the inference thread ended by itself ({type(error).__name__}); it is started again")

    def _restart(self, service: _Service) -> None:
        """Put a new thread in the place of a dead one; no cache of the old one's is trusted."""
        self.num_restarts += 1
        log.warning("the inference thread is started again")
        engine = service.session.engine
        if engine is not None:
            engine.forget_all()
        self._service = self._start_thread(service.session, service.wanted)
        self._change(problem=None)

    def _change(self, **changes: object) -> None:
        if "problem" in changes:
            changes = {"missing": None, "lack": None, **changes}
        with self._lock:
            after = dataclasses.replace(self._state, **changes)  # pyright: ignore[reportArgumentType]
            if after == self._state:
                return
            self._state = after
        self._on_change(after)


def _end(service: _Service) -> None:
    """Close a session on the thread that used it, after the job that runs, and end the thread."""
    service.thread.submit(service.session.close)
    service.thread.close()


def _what_to_do(error: ModelMissing) -> str:
    """Say it to somebody at an editor, who may have never seen the program in a terminal."""
    program = own_program()
    fetch = (
        f"`{program} models pull` in a terminal fetches the one that fits this machine"
        if error.name == "auto"
        else f"`{program} models pull {error.name}` in a terminal fetches it"
    )
    return f"{error.lack}: {fetch}; or name a GGUF file or safetensors folder of yours in the setting model.name"


def _of_model(settings: Settings) -> tuple[object, ...]:
    """What of the settings asks for another session when it changes."""
    return (
        settings.model,
        settings.models.get(settings.model.name),
        settings.cache,
        settings.completion.max_new_tokens,
        settings.places,
        settings.remote,
    )
