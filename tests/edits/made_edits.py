# ruff: noqa: E501  (texts of made files)
"""Made examples of edits that ask for others, in several languages: what was done, and where more is to be done."""

from __future__ import annotations

from dataclasses import dataclass, replace

from codeassist.edits.change import LineChange
from codeassist.edits.edit_request import EditRequest


@dataclass(frozen=True, slots=True)
class MadeEdit:
    """`request` is the state after the first edit; `left` is what is left to be done, in the text of that state."""

    name: str
    request: EditRequest
    left: tuple[LineChange, ...]

    def done(self) -> EditRequest:
        """The state once all is done."""
        request = self.request
        for change in sorted(self.left, key=lambda each: -each.start_line):
            lines = request.files[change.path].split("\n")
            end = change.start_line + len(change.old)
            assert tuple(lines[change.start_line : end]) == change.old, (self.name, change)
            lines[change.start_line : end] = change.new
            files = {**request.files, change.path: "\n".join(lines)}
            request = replace(request, files=files, history=(*request.history, change))
        return replace(request, path=request.history[-1].path, line=request.history[-1].start_line)


def made(name: str, files: dict[str, str], edit: tuple[str, str, str], *left: tuple[str, str, str]) -> MadeEdit:
    """`files` as they are before; an edit is a path, lines that stand there, and what they become."""
    first = change_in(files, *edit)
    lines = files[first.path].split("\n")
    lines[first.start_line : first.start_line + len(first.old)] = first.new
    files = {**files, first.path: "\n".join(lines)}
    request = EditRequest(first.path, first.start_line, (first,), files)
    return MadeEdit(name, request, tuple(change_in(files, *each) for each in left))


def change_in(files: dict[str, str], path: str, old: str, new: str) -> LineChange:
    lines, wanted = files[path].split("\n"), old.split("\n")
    starts = [at for at in range(len(lines)) if lines[at : at + len(wanted)] == wanted]
    assert len(starts) == 1, (path, old)
    return LineChange(path, starts[0], tuple(wanted), tuple(new.split("\n")))


def _python_body(name: str) -> str:
    return f'''

def {name}(items):
    """Count the {name} of some items."""
    total = 0
    for item in items:
        if item.is_open():
            total += item.size
    return total
'''


PARAMETER = made(
    "a parameter is added",
    {
        "mail/send.py": "import smtplib\n\n\ndef send_mail(address, subject, body):\n    server = smtplib.SMTP()\n"
        "    server.sendmail(address, subject, body)\n" + _python_body("letters") + _python_body("stamps")
        + "\n\ndef send_welcome(user):\n    send_mail(user.address, 'Welcome', 'Hello!')\n",
        "mail/tasks.py": "from mail.send import send_mail\n\n\ndef remind(user, text):\n    if user.wants_mail:\n"
        "        send_mail(user.address, 'Reminder', text)\n" + _python_body("reminders"),
    },
    ("mail/send.py", "def send_mail(address, subject, body):", "def send_mail(address, subject, body, retries):"),
    ("mail/send.py", "    send_mail(user.address, 'Welcome', 'Hello!')", "    send_mail(user.address, 'Welcome', 'Hello!', retries=3)"),
    ("mail/tasks.py", "        send_mail(user.address, 'Reminder', text)", "        send_mail(user.address, 'Reminder', text, retries=3)"),
)  # fmt: skip

RENAME = made(
    "a name is changed",
    {
        "src/Basket.java": "package shop;\n\nclass Basket {\n    private int itemCount;\n\n    void add(Item item) {\n"
        "        items.add(item);\n        itemCount += 1;\n    }\n\n    void clear() {\n        items.clear();\n"
        "        itemCount = 0;\n    }\n\n    boolean isEmpty() {\n        return items.isEmpty();\n    }\n}\n",
    },
    ("src/Basket.java", "    private int itemCount;", "    private int numItems;"),
    ("src/Basket.java", "        itemCount += 1;", "        numItems += 1;"),
    ("src/Basket.java", "        itemCount = 0;", "        numItems = 0;"),
)

TYPE = made(
    "a type is changed",
    {
        "src/session.ts": "export interface Session {\n  id: number;\n  user: string;\n}\n\n"
        "export function open(id: number): Session {\n  return { id, user: current() };\n}\n\n"
        "export function current(): string {\n  return process.env.USER ?? '';\n}\n",
        "src/close.ts": "import { Session } from './session';\n\nexport function close(id: number, force: boolean) {\n"
        "  const path = `/sessions/${id}`;\n  return fetch(path, { method: force ? 'DELETE' : 'POST' });\n}\n",
    },
    ("src/session.ts", "  id: number;", "  id: string;"),
    ("src/session.ts", "export function open(id: number): Session {", "export function open(id: string): Session {"),
    ("src/close.ts", "export function close(id: number, force: boolean) {", "export function close(id: string, force: boolean) {"),
)  # fmt: skip

SAME_TWICE = made(
    "the same change in a list of alike lines",
    {
        "cmd/root.go": "package cmd\n\nfunc flags(set *Flags) {\n\tset.AddString(\"name\", \"\")\n"
        "\tset.AddString(\"path\", \"\")\n\tset.AddString(\"mode\", \"\")\n}\n\nfunc run(args []string) error {\n"
        "\tif len(args) == 0 {\n\t\treturn errNothing\n\t}\n\treturn nil\n}\n",
    },
    ("cmd/root.go", "\tset.AddString(\"name\", \"\")", "\tset.AddText(\"name\", \"\")"),
    ("cmd/root.go", "\tset.AddString(\"path\", \"\")", "\tset.AddText(\"path\", \"\")"),
    ("cmd/root.go", "\tset.AddString(\"mode\", \"\")", "\tset.AddText(\"mode\", \"\")"),
)  # fmt: skip

MEMBER = made(
    "a member of an enum goes",
    {
        "Shapes/Shape.cs": "namespace Shapes;\n\npublic enum Shape\n{\n    Circle,\n    Square,\n    Hexagon,\n}\n",
        "Shapes/Area.cs": "namespace Shapes;\n\npublic static class Area\n{\n    public static double Of(Shape shape, double size)\n"
        "    {\n        switch (shape)\n        {\n            case Shape.Circle:\n                return Math.PI * size * size;\n"
        "            case Shape.Square:\n                return size * size;\n            case Shape.Hexagon:\n"
        "                return 2.598 * size * size;\n            default:\n                return 0;\n        }\n    }\n}\n",
    },
    ("Shapes/Shape.cs", "    Square,\n    Hexagon,", "    Square,"),
    ("Shapes/Area.cs", "            case Shape.Hexagon:\n                return 2.598 * size * size;", "            case Shape.Octagon:"),
)  # fmt: skip

ALL = (PARAMETER, RENAME, TYPE, SAME_TWICE, MEMBER)
