"""What is counted of requests."""

from __future__ import annotations

from dataclasses import replace

from codeassist.cli.server.status import _monitors  # type: ignore[reportPrivateUsage]
from codeassist.completion.completion_json import told_of_act
from codeassist.request import Completion, MonitorAct, Trace
from codeassist_lsp.usage.request_log import RequestLog, RequestTrace

STAGES = dict.fromkeys(("retrieve", "prompt", "prefill", "first_token", "decode"), 1.0)
FORBIDDEN = MonitorAct("member", 0, "overruled", "read", "parse", "jedi", 2, ("read",), "sure", 0.93)


def test_names_that_were_forbidden_though_the_model_was_sure_are_counted() -> None:
    log = RequestLog()
    acts = (
        FORBIDDEN,
        replace(FORBIDDEN, wanted_probability=0.4),
        replace(FORBIDDEN, strength="likely"),
        replace(FORBIDDEN, outcome="outweighed", strength="likely"),
    )
    for number in range(2):
        trace = RequestTrace("invoke")
        trace.model_said(Completion("read", "read", "eos", "tiny", trace=Trace(STAGES, monitor_acts=acts[number:])), 0)
        log.add(trace)
        assert not trace.monitor_acts, "nothing of a text is kept"
    assert dict(log.monitored) == {"overruled": 5, "outweighed": 2, "suspected": 1}
    assert _monitors(log.monitored) == ["  monitors  5 overruled, 2 outweighed; suspected wrong: 1"]
    assert _monitors(RequestLog().monitored) == _monitors(None) == []


def test_people_are_told_what_a_strength_did() -> None:
    assert told_of_act(FORBIDDEN) == (
        "member read: the model would have written 'parse', sure to 93%, which is none of the 2 names found by jedi "
        "(read, …)"
    )
    insisted = replace(FORBIDDEN, name="parse", outcome="outweighed", strength="likely", num_allowed=1)
    assert told_of_act(insisted) == (
        "member parse: none of the 1 likely names found by jedi (read), but the model was sure enough of it"
    )
