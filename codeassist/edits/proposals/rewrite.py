"""Proposals of models that write a region again, each in its form; what it changed there are the proposals.

A rewrite is a copy with changes: drafts follow the region's lines, so that what stays takes next to no passes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from rapidfuzz.distance import LCSseq

from codeassist.completion.pipeline import never
from codeassist.edits.change import LineChange
from codeassist.edits.edit_model import EditModel
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.forms.form import Form, Mark, Window
from codeassist.edits.proposal import Proposal
from codeassist.edits.site import Site
from codeassist.errors import ModelError

_MORE_TOKENS = 128


class RewriteProposer:
    """Asks a model for regions in one form. Raises ModelError where the model has not the form's special tokens."""

    def __init__(self, model: EditModel, form: Form) -> None:
        self._model = model
        self._form = form
        probe = Site("a", 0, 1, 0.0, "near", "")
        pieces = form.prompt(EditRequest("a", 0, (), {"a": "a\n"}), form.window(probe, ["a", ""]))
        needed = {piece.token for piece in pieces if isinstance(piece, Mark) and not piece.or_text}
        missing = needed - model.tokenizer.special.keys()
        if missing:
            raise ModelError(
                f"{model.name} has no token {min(missing)}, which the form {form.name} is written with; choose another "
                "edit_form for it"
            )

    @property
    def name(self) -> str:
        """See Proposer."""
        return self._form.name

    def propose(self, request: EditRequest, site: Site, should_stop: Callable[[], bool] = never) -> Sequence[Proposal]:
        """Return what the region around the site becomes, the changes next to the site first."""
        text = request.files.get(site.path)
        lines = [] if text is None else text.split("\n")
        if text is None or site.start_line >= len(lines):
            return ()
        window = self._form.window(site, lines)
        pieces = self._form.prompt(request, window)
        if any(mark in piece for piece in _own_text(request, window) for mark in self._form.reserved):
            return ()
        answer = self._answer(self._tokens(pieces), self._form.original(window), should_stop)
        new = None if answer is None else self._form.read(answer, window)
        if new is None:
            return ()
        changes = region_changes(window, new)
        changes.sort(key=lambda change: abs(change.start_line - site.start_line))
        return tuple(Proposal(change, site, self.name) for change in changes)

    def _tokens(self, pieces: Sequence[str | Mark]) -> list[int]:
        special = self._model.tokenizer.special
        tokens: list[int] = []
        known = [piece.token if isinstance(piece, Mark) and piece.token not in special else piece for piece in pieces]
        for is_text, group in groupby(known, key=lambda piece: isinstance(piece, str)):
            if is_text:
                tokens += self._model.encode("".join(piece for piece in group if isinstance(piece, str)))
            else:
                tokens += [special[piece.token] for piece in group if isinstance(piece, Mark)]
        return tokens

    def _answer(self, prompt: list[int], original: str, should_stop: Callable[[], bool]) -> str | None:
        copy = self._model.encode(original)
        most = len(copy) + _MORE_TOKENS
        if len(prompt) + most > self._model.context_tokens:
            return None
        data = bytearray()
        ends = [end.encode() for end in self._form.ends]

        def accept(token: int, logprob: float) -> bool:
            data.extend(self._model.tokenizer.token_bytes(token))
            return not any(end in data for end in ends)

        decoded = self._model.generate(prompt, most, copy, accept, should_stop)
        if decoded.end not in ("refused", "stop_token"):
            return None
        text = data.decode("utf-8", "replace")
        cuts = [at for end in self._form.ends if (at := text.find(end)) >= 0]
        return text[: min(cuts)] if cuts else text


def region_changes(window: Window, new: Sequence[str]) -> list[LineChange]:
    """What differs between a window's lines and new ones, each change as the text stands now, from the top down."""
    old = list(window.lines[window.start : window.end])
    changes: list[LineChange] = []
    for block in LCSseq.opcodes(old, list(new)):
        if block.tag == "equal":
            continue
        start = window.start + block.src_start
        gone = tuple(old[block.src_start : block.src_end])
        come = tuple(new[block.dest_start : block.dest_end])
        if changes and changes[-1].start_line + len(changes[-1].old) == start:
            last = changes.pop()
            start, gone, come = last.start_line, last.old + gone, last.new + come
        changes.append(LineChange(window.path, start, gone, come))
    return changes


def _own_text(request: EditRequest, window: Window) -> Sequence[str]:
    """Everything of the user's that a prompt may hold."""
    past = (line for change in request.history for line in (*change.old, *change.new))
    return (*(f"{line}\n" for line in past), "\n".join(window.lines) + "\n")
