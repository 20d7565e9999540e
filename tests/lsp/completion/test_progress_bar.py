"""A progress in a client: whatever was made begins and ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidRequest

from codeassist_lsp.completion.progress_bar import ProgressBar


class SlowClient:
    """Answers once it may; refuses if told so. `told`: the kinds of progress that it was sent."""

    def __init__(self, refuses: bool = False) -> None:
        self.may_answer = asyncio.Event()
        self.told: list[str] = []
        self._refuses = refuses

    async def window_work_done_progress_create_async(self, params: types.WorkDoneProgressCreateParams) -> None:
        await self.may_answer.wait()
        if self._refuses:
            raise JsonRpcInvalidRequest("no progress here")

    def progress(self, params: types.ProgressParams) -> None:
        self.told.append(params.value.kind)


@pytest.mark.parametrize(("refuses", "told"), [(False, ["begin", "end"]), (True, [])], ids=["made", "refused"])
def test_work_that_ends_before_its_bar_is_made(refuses: bool, told: list[str]) -> None:
    """Helix shows that something goes on from the making to the end."""

    async def test() -> None:
        client: Any = SlowClient(refuses)
        bar = ProgressBar(client, "index")
        bar.report("3 files", 1, 3)
        bar.end("done")
        client.may_answer.set()
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})  # the making of the bar
        assert client.told == told

    asyncio.run(test())
