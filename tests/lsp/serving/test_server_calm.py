"""How much is shown, over real stdio: one line, a limit of lines, nothing unlikely, alternatives when asked for."""

from __future__ import annotations

import asyncio
from typing import Any

from lsprotocol import types

from tests.end_to_end.conftest import Program
from tests.lsp.conftest import editor_for
from tests.lsp.editor import Editor, within

BODY = "#say total = 1\\n    total += 2\\n    total += 3\\n    return total\n\ndef f():\n    \n"
BODY_LINES = ["total = 1", "    total += 2", "    total += 3", "    return total"]


def test_how_much_is_shown_is_what_the_settings_say(program: Program) -> None:
    async def test() -> None:
        editor = await (await editor_for(program).start({"editor": {"debounce_ms": 0}})).ready()

        async def settings(**sections: dict[str, Any]) -> None:
            editor_section = {"debounce_ms": 0, **sections.pop("editor", {})}
            sent = {"codeassist": {"editor": editor_section, **sections}}
            editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(sent))
            await editor.run("codeassist.status")

        async def lines() -> list[str]:
            [item] = await editor.ask("body.py", 3, 4, automatic=True)
            return item.insert_text.split("\n")

        editor.open("body.py", BODY)
        assert await lines() == BODY_LINES
        await settings(editor={"multiline": "never"})
        assert await lines() == BODY_LINES[:1]
        await settings(editor={"max_lines": 2})
        assert await lines() == BODY_LINES[:2]
        await settings(editor={"multiline": "always", "max_lines": 3})
        assert await lines() == BODY_LINES[:3]
        await settings(editor={"off_languages": ["python"]})
        assert await editor.ask("body.py", 3, 4, automatic=True) == []

        await settings()
        await alternatives(editor)
        await settings(editor={"min_confidence": 1.0})
        before = (await editor.idle())["requests"]["counts"].get("withheld", 0)
        editor.open("unlikely.py", "import os\nprint(")
        assert await editor.ask("unlikely.py", 1, 6, automatic=True) == []
        assert await editor.ask("unlikely.py", 1, 6, automatic=True) == []
        counts = (await editor.idle())["requests"]["counts"]
        assert counts["withheld"] == before + 1, "the second time it was known"
        asked_for = await editor.ask("unlikely.py", 1, 6)
        assert asked_for, "who asks for it gets it"
        typed = asked_for[0].insert_text[:1]
        editor.edit("unlikely.py", (1, 6), (1, 6), typed)
        along = await editor.ask("unlikely.py", 1, 7, automatic=True)
        assert [item.insert_text for item in along] == [asked_for[0].insert_text[1:]], "and it stays, typing along"
        code, errors = await editor.stop()
        assert code == 0 and not errors, errors

    async def alternatives(editor: Editor) -> None:
        """The tiny model's own answers, whatever they are."""
        found: list[list[str]] = []
        for n, line in enumerate(["value = ", "def area(", "for each in ", "return sum("]):
            path = f"alternatives{n}.py"
            editor.open(path, f"import os\n{line}")
            several = [item.insert_text for item in await editor.ask(path, 1, len(line))]
            assert len(several) <= 3
            assert len({"".join(text.split()) for text in several}) == len(several), "each only once"
            one = [item.insert_text for item in await editor.ask(path, 1, len(line), automatic=True)]
            assert one == several[:1] or one == [], "the first is the likeliest"
            found.append(several)
        assert any(len(several) > 1 for several in found), found

    asyncio.run(within(test()))
