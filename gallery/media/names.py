"""Names of a person's files: safe to show, safe to write into a page, safe to download under."""

from __future__ import annotations

import html
import re
import unicodedata

#: Characters of a name that are shown; longer names lose their middle.
SHOWN = 80

#: What a file is called when its name holds nothing that can be shown.
UNNAMED = "unnamed file"

# Punctuation that Markdown, or Streamlit's additions to it (colours, icons, formulas), would act on.
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~:$&^=])")

# Addresses that GitHub's Markdown makes links of by themselves, after the escapes are gone: the place where each is
# broken by a character that nobody sees.
_LINKS = re.compile(r"(?i)(?<=www)(?=\.)|(?<=https:)(?=//)|(?<=http:)(?=//)|(?<=@)")
_WORD_JOINER = "\u2060"

# Windows will not create a file of these names, whatever its ending.
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")


def display_name(name: str) -> str:
    """A file name to show: without folders, control characters and tricks of writing direction, at most 80 long.

    A browser may send any text as the name of an upload, so nothing is assumed of it. The ending is kept when the
    name is shortened. The result still holds characters that have a meaning in HTML or Markdown; see :func:`in_html`
    and :func:`in_markdown`.
    """
    tail = re.split(r"[/\\]", name.rstrip("/\\"))[-1]
    # Categories C* are control, format (bidirectional overrides, joiners), surrogate and unassigned characters;
    # Zl and Zp break lines. All white space becomes one plain space.
    kept = "".join(" " if c.isspace() else c for c in tail if c.isspace() or unicodedata.category(c)[0] != "C")
    clean = " ".join(unicodedata.normalize("NFC", kept).split())
    if not clean.strip(". "):
        return UNNAMED
    if len(clean) > SHOWN:
        head = SHOWN * 2 // 3
        clean = f"{clean[:head]}…{clean[-(SHOWN - head - 1) :]}"
    return clean


def quoted(name: str) -> str:
    """The shown name in quotation marks, as the sentences of errors use it."""
    return f"“{display_name(name)}”"


def in_html(text: str) -> str:
    """Text to place inside HTML or an attribute of it, with every character that HTML acts on escaped."""
    return html.escape(text, quote=True)


def in_markdown(text: str) -> str:
    """Text to place inside Markdown, with every character that Markdown or Streamlit acts on escaped.

    Line breaks become spaces, so that no text can begin a block of its own. Web and mail addresses get a word joiner
    (U+2060, invisible), so that they do not become links: foreign text should not lead anybody away.
    """
    return _MARKDOWN.sub(r"\\\1", _LINKS.sub(_WORD_JOINER, " ".join(text.split())))


def download_name(name: str, what: str, ending: str) -> str:
    """A neutral name for a download made from a person's file.

    Args:
        name: name of the file that the download was made from.
        what: what the download is, for example ``annotated``.
        ending: file ending without a dot, for example ``png``.

    Returns:
        ``<stem>-<what>.<ending>`` of plain ASCII letters, digits, ``-`` and ``_``; every other character becomes
        ``-``. The stem is at most 60 long; one with nothing left, or that Windows reserves, becomes ``result``.
    """
    shown = display_name(name)
    stem = "" if shown == UNNAMED else re.sub(r"\.[A-Za-z0-9]{1,5}$", "", shown)
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    slug = _slug(plain)[:60].strip("-_")
    if not slug or _RESERVED.match(slug):
        slug = "result"
    return f"{slug}-{_slug(what)}.{_slug(ending)}"


def _slug(text: str) -> str:
    return re.sub(r"-{2,}", "-", re.sub(r"[^A-Za-z0-9_]+", "-", text)).strip("-")
