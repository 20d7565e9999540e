"""Joins the pictures of a recorded scene into one moving picture: tools/moving_picture.py FOLDER FILE.gif

FOLDER has the pictures and steps.json, which says how long each is shown.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from PIL import Image

COLOURS = 96


def frames_of(folder: Path) -> tuple[list[Image.Image], list[int]]:
    """Return the pictures that differ from the one before, and how long each is shown, in ms."""
    pictures: list[Image.Image] = []
    shown_ms: list[int] = []
    for step in json.loads((folder / "steps.json").read_text()):
        picture = Image.open(folder / step["file"]).convert("RGB")
        if pictures and picture.tobytes() == pictures[-1].tobytes():
            shown_ms[-1] += step["ms"]
        else:
            pictures.append(picture)
            shown_ms.append(step["ms"])
    return pictures, shown_ms


def in_one_palette(pictures: list[Image.Image]) -> list[Image.Image]:
    """Return the pictures with the same few colours: what does not change between two of them is stored once."""
    width, height = pictures[0].size
    sheet = Image.new("RGB", (width, 3 * height))
    for number, picture in enumerate((pictures[0], pictures[len(pictures) // 2], pictures[-1])):
        sheet.paste(picture, (0, number * height))
    palette = sheet.quantize(COLOURS, dither=Image.Dither.NONE)
    return [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]


def main(folder: Path, file: Path) -> None:
    """Write the moving picture."""
    pictures, shown_ms = frames_of(folder)
    first, *others = in_one_palette(pictures)
    first.save(file, save_all=True, append_images=others, duration=shown_ms, loop=0, optimize=True)
    print(f"{file}: {len(pictures)} pictures, {sum(shown_ms) / 1000:.1f} s, {file.stat().st_size / 1000:.0f} KB")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
