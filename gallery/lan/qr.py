"""An address as a QR code, for the camera of a phone."""

from __future__ import annotations

import io


def svg(text: str) -> str:
    """As an SVG picture: black on white with a white border, so that it can be read on a dark page too."""
    import segno

    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        out, kind="svg", border=4, dark="#000000", light="#FFFFFF", xmldecl=False, nl=False, omitsize=True
    )
    return out.getvalue().decode("utf-8")


def terminal(text: str, encoding: str = "utf-8", colours: bool = False) -> str:
    """As lines for a terminal; empty when it cannot show the blocks.

    Args:
        text: what the code says.
        encoding: of the terminal.
        colours: set white on black, so that a light terminal does not turn the code into its negative.
    """
    import segno

    out = io.StringIO()
    segno.make(text, error="l", micro=False).terminal(out, border=2, compact=True)
    try:
        out.getvalue().encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return ""
    lines = out.getvalue().rstrip("\n").split("\n")
    return "\n".join(f"\x1b[97;40m{line}\x1b[0m" if colours else line for line in lines)
