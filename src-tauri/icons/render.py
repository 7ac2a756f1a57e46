"""Renders icon.svg to the files that tauri.conf.json names. Needs rsvg-convert (Debian's librsvg2-bin)."""

import pathlib
import struct
import subprocess

HERE = pathlib.Path(__file__).parent


def png(size: int) -> bytes:
    return subprocess.run(
        ["rsvg-convert", "-w", str(size), "-h", str(size), HERE / "icon.svg"], check=True, capture_output=True
    ).stdout


def ico(sizes: list[int]) -> bytes:
    """ICONDIR and ICONDIRENTRY, each image a PNG."""
    images = [png(size) for size in sizes]
    head = struct.pack("<HHH", 0, 1, len(images))
    at = len(head) + 16 * len(images)
    entries = b""
    for size, image in zip(sizes, images):
        side = size % 256  # 256 is written as 0
        entries += struct.pack("<BBBBHHII", side, side, 0, 0, 1, 32, len(image), at)
        at += len(image)
    return head + entries + b"".join(images)


for name, size in {"32x32.png": 32, "128x128.png": 128, "128x128@2x.png": 256, "icon.png": 512}.items():
    (HERE / name).write_bytes(png(size))
(HERE / "icon.ico").write_bytes(ico([16, 24, 32, 48, 64, 256]))
