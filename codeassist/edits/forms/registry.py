"""The forms by name, and which one a model was trained with: by its name, for tokenizers do not tell."""

from __future__ import annotations

import re
from collections.abc import Mapping

from codeassist.edits.forms.chat import ChatForm
from codeassist.edits.forms.form import Form
from codeassist.edits.forms.seed_coder import Zeta2Form, Zeta21Form
from codeassist.edits.forms.sweep import SweepForm
from codeassist.edits.forms.zeta import ZetaForm

FORMS: Mapping[str, Form] = {
    form.name: form for form in (SweepForm(), ZetaForm(), Zeta2Form(), Zeta21Form(), ChatForm())
}

_NAMES = (
    (re.compile(r"sweep.*next-?edit|next-?edit.*sweep"), "sweep"),
    (re.compile(r"zeta-?2[._]1"), "zeta2.1"),
    (re.compile(r"zeta-?2"), "zeta2"),
    (re.compile(r"\bzeta\b"), "zeta"),
)


def form_of(model_name: str) -> str:
    """Return the name of the form that a model with this name was trained with; "diff" for one that was not."""
    lowered = model_name.lower()
    return next((form for pattern, form in _NAMES if pattern.search(lowered)), "diff")
