"""How a model goes on with a diff behind lines that went, read while it is written: more lines go, others come.

-    total = area(width, height)        given
+    total = area(width, height, 1)     read: this line comes
     return total                       the next line stays: the answer ends
"""

from __future__ import annotations

from collections.abc import Sequence


class DiffAnswer:
    """Reads one answer. `beside`: the lines below those that went, which may go too; `is_adding`: the marker of the
    first line that comes was given. `is_whole`: the end was seen."""

    def __init__(self, beside: Sequence[str], is_adding: bool, most_lines: int) -> None:
        self._beside = list(beside)
        self._most_lines = most_lines
        self._given = "+" if is_adding else ""
        self.begin()

    def begin(self) -> None:
        """Forget what was read: the answer is asked for again."""
        self._text = self._given
        self.num_gone = 0
        self.lines: tuple[str, ...] = ()
        self.is_whole = False

    def feed(self, text: str) -> bool:
        """Take what was written next; return whether more is wanted."""
        self._text += text
        *complete, begun = self._text.split("\n")
        gone, come, is_over = 0, list[str](), False
        for line in complete:
            if line.startswith("-") and not come and self._beside[gone : gone + 1] == [line[1:]]:
                gone += 1
            elif line.startswith("+"):
                come.append(line[1:])
            else:
                is_over = True
                break
        self.num_gone, self.lines = gone, tuple(come)
        self.is_whole = is_over or (begun != "" and begun[0] not in "+-")
        return not self.is_whole and len(come) <= self._most_lines

    def end(self) -> None:
        """Note that the model ended the text, and with it the line that it was writing."""
        if not self.is_whole:
            self.feed("\n " if self._text and not self._text.endswith("\n") else " ")
