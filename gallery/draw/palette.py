"""Colours that people with any common kind of colour vision can tell apart.

Okabe and Ito, "Color Universal Design" (2008), https://jfly.uni-koeln.de/color/, without black, which is the outline.
"""

from __future__ import annotations

Colour = tuple[int, int, int]

COLOURS: tuple[Colour, ...] = (
    (86, 180, 233),  # sky blue
    (230, 159, 0),  # orange
    (0, 158, 115),  # bluish green
    (240, 228, 66),  # yellow
    (213, 94, 0),  # vermilion
    (204, 121, 167),  # reddish purple
    (0, 114, 178),  # blue
)
ALARM: Colour = (213, 94, 0)

#: Labels that keep their colour wherever they appear, so that a person learns it once.
_FIXED = {
    "person": 1,
    "stop sign": 4,
    "traffic light": 2,
    "car": 0,
    "truck": 6,
    "bus": 5,
    "plane": 0,
    "ship": 1,
    "small vehicle": 3,
    "large vehicle": 5,
    "harbor": 2,
}


def colour(label: str) -> Colour:
    """The colour of a label: the same in every picture and every run."""
    if label in _FIXED:
        return COLOURS[_FIXED[label]]
    return COLOURS[sum(label.encode()) % len(COLOURS)]


def ink(background: Colour) -> Colour:
    """Black or white, whichever is easier to read on the background (WCAG relative luminance)."""
    linear = [v / 255 / 12.92 if v <= 10 else ((v / 255 + 0.055) / 1.055) ** 2.4 for v in background]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return (0, 0, 0) if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else (255, 255, 255)
