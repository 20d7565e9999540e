"""A picture of the dashboard while somebody works: tools/record_dashboard.py MODEL.gguf FILE.png

A real server with a real model, in a copy of this repository. Some lines of it are typed again, key by key; a
suggestion that says what comes is taken. CODEASSIST_CHROMIUM names the browser.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.async_api import async_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.lsp.editor import Editor, environment_of  # noqa: E402

PROGRAM = [sys.executable, "-m", "codeassist"]
# Files, and the lines of them that are typed again, from 1: what they need stands in other files.
RETYPED = {
    "codeassist/cli/health/diagnosis.py": (87, 89),
    "codeassist/cli/server/stop.py": (29, 33),
}
PARTS = ("codeassist", "indexer", "lsp", "docs", "*.md", "*.toml")
LEAST_TAKEN = 3
# What is typed in the last of them at the end, before the picture: lines above, and a place that needs another file.
ABOVE = "import itertools\nimport functools\n"
AT_THE_END = "    for server in servers(locate()."
SLOW = 600.0


def copied(folder: Path) -> None:
    """Put what git tracks here into a repository of its own."""
    command = ["git", "ls-files", "-z", "--", *PARTS]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    (folder / ".git").mkdir()


def told(editor: Editor, method: str, item: Any) -> None:
    """Tell the server what became of an item, as editors do."""
    arguments = list(item.command.arguments)
    command = {"title": item.command.title, "command": item.command.command, "arguments": arguments}
    editor.client.protocol.notify(method, {"item": {"insertText": item.insert_text, "command": command}})


async def retype(editor: Editor, path: str, first: int, last: int) -> tuple[int, int]:
    """Type lines of a file again, key by key; take what is suggested where it is what comes. Return the end."""
    lines = (editor.folder / path).read_text(encoding="utf-8").split("\n")
    wanted = "\n".join(lines[first - 1 : last])
    editor.open(path, "\n".join([*lines[: first - 1], "", *lines[last:]]))
    at, typed = (first - 1, 0), 0
    while typed < len(wanted):
        items = await asyncio.wait_for(editor.begin(path, *at, automatic=True)[1], SLOW)
        suggested = items.items[0] if items.items else None
        rest = wanted[typed:]
        step = rest[0] if rest[0] != "\n" else rest[: 1 + len(rest[1:]) - len(rest[1:].lstrip(" "))]
        if suggested is not None:
            told(editor, "textDocument/didShowCompletion", suggested)
            text = suggested.insert_text
            if len(text) >= LEAST_TAKEN and rest.startswith(text) and suggested.range.end == suggested.range.start:
                await editor.run("codeassist.accept", *suggested.command.arguments)
                step = text
        editor.edit(path, at, at, step)
        typed += len(step)
        head, newline, tail = step.rpartition("\n")
        at = (at[0] + head.count("\n") + 1, len(tail)) if newline else (at[0], at[1] + len(step))
    return at


async def main(gguf: str, picture: Path) -> None:
    """Play it, and keep the picture."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "codeassist"
        home = Path(os.environ.get("CODEASSIST_HOME", Path(made) / "home"))
        home.mkdir(exist_ok=True)
        name = Path(gguf).stem.removesuffix("-q4_k_m")
        # However busy the machine is: prompts are read whole.
        entry = f"[editor]\npatience_ms = 10000\n[model]\nname = {json.dumps(name)}\n"
        entry += f"[models.{json.dumps(name)}]\ngguf = {json.dumps(gguf)}\n"
        (home / "config.toml").write_text(entry, encoding="utf-8")
        copied(folder)
        environment = environment_of(home)
        editor = Editor([*PROGRAM, "serve"], folder, environment)
        await editor.start(process_id=os.getpid())
        while (status := await editor.run("codeassist.status"))["model"]["name"] is None or any(
            each["building"] for each in status["index"]
        ):
            await asyncio.sleep(0.5)
        for path, (first, last) in RETYPED.items():
            at = await retype(editor, path, first, last)

        command = [*PROGRAM, "dashboard", "--json", "--no-open"]
        dashboard = await asyncio.create_subprocess_exec(
            *command, cwd=folder, env=environment, stdout=asyncio.subprocess.PIPE
        )
        assert dashboard.stdout is not None
        url = json.loads(await dashboard.stdout.readuntil(b"}"))["url"]
        async with async_playwright() as play:
            browser = await play.chromium.launch(
                executable_path=os.environ["CODEASSIST_CHROMIUM"], args=["--no-sandbox"]
            )
            page = await browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
            page.set_default_timeout(SLOW * 1e3)
            page.on("console", lambda message: print(message.text))
            await page.goto(url)
            await page.locator("#tiles dl, .lost #trouble").first.wait_for()
            print(await page.locator("#trouble").text_content())
            editor.edit(path, (7, 0), (7, 0), ABOVE)
            line = at[0] + ABOVE.count("\n")
            editor.edit(path, (line, at[1]), (line, at[1]), f"\n{AT_THE_END}")
            await asyncio.wait_for(editor.begin(path, line + 1, len(AT_THE_END), automatic=True)[1], SLOW)
            await page.reload()
            await page.locator("#tiles dl").wait_for()
            await page.locator("#suggestion summary").first.click()
            last = await page.locator("#latency").bounding_box()
            assert last is not None
            clip = {"x": 0, "y": 0, "width": 1280, "height": last["y"] + last["height"] + 16}
            await page.screenshot(path=picture, full_page=True, clip=clip)
            await browser.close()
        dashboard.terminate()
        await dashboard.wait()
        await editor.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
