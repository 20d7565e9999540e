"""The baseline of models without any form for edits: the site's lines taken out, and filled in again.

It sees no history, and cannot tell that nothing is to be changed: `eval edits --proposer fim` shows what forms bring.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from codeassist.completion.pipeline import never
from codeassist.edits.change import LineChange
from codeassist.edits.edit_model import EditModel
from codeassist.edits.edit_request import EditRequest
from codeassist.edits.proposal import Proposal
from codeassist.edits.proposals.diff import MOST_MORE_LINES, MOST_OLD_LINES, trimmed
from codeassist.edits.site import Site
from codeassist.prompts.prompt import Budget, build
from codeassist.prompts.templates import Template
from codeassist.request import CompletionRequest

_PROMPT_TOKENS = 768
_MORE_TOKENS = 48


class FimProposer:
    """Fills sites in again. `template`: how the model spells fill-in-the-middle."""

    name = "fim"

    def __init__(self, model: EditModel, template: Template) -> None:
        self._model = model
        self._template = template

    def propose(self, request: EditRequest, site: Site, should_stop: Callable[[], bool] = never) -> Sequence[Proposal]:
        """See Proposer."""
        text = request.files.get(site.path)
        lines = [] if text is None else text.split("\n")
        old = tuple(lines[site.start_line : site.end_line])
        if self._template.fim is None or text is None or site.start_line > len(lines) or len(old) > MOST_OLD_LINES:
            return ()
        before = "".join(f"{line}\n" for line in lines[: site.start_line])
        asked = CompletionRequest(site.path, before, "\n" + "\n".join(lines[site.end_line :]))
        prompt = build(
            asked, (), self._template, self._model.tokenizer, Budget(_PROMPT_TOKENS), repository=request.repository
        )
        original = self._model.encode("\n".join(old))
        most_lines = len(old) + MOST_MORE_LINES
        data = bytearray()

        def accept(token: int, logprob: float) -> bool:
            data.extend(self._model.tokenizer.token_bytes(token))
            return data.count(b"\n") < most_lines

        most_tokens = 2 * len(original) + _MORE_TOKENS
        answer = self._model.generate(prompt.tokens, most_tokens, original, accept, should_stop)
        if answer.end != "stop_token":
            return ()
        new = tuple(data.decode("utf-8", "replace").split("\n"))
        change = trimmed(LineChange(site.path, site.start_line, old, new))
        return () if change is None else (Proposal(change, site, self.name),)
