"""Names of files: shown without tricks, escaped where they are placed, plain where they are written."""

from __future__ import annotations

import pytest

from gallery.media.names import SHOWN, UNNAMED, display_name, download_name, in_html, in_markdown, quoted


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("photo.jpg", "photo.jpg"),
        ("/home/me/photo.jpg", "photo.jpg"),
        ("C:\\fakepath\\photo.jpg", "photo.jpg"),
        ("../../../etc/passwd", "passwd"),
        ("folder/", "folder"),
        ("Zürich 東京 🚦.png", "Zürich 東京 🚦.png"),
        ("Zu\u0308rich.png", "Zürich.png"),  # decomposed, as macOS sends it
        ("a\x00b\x1b[31mc.png", "ab[31mc.png"),
        ("a\r\nb\tc.png", "a b c.png"),
        ("a\u2028b.png", "a b.png"),
        ("photo\u202egpj.exe", "photogpj.exe"),  # right-to-left override
        ("in\u200bvis\u200dible.png", "invisible.png"),
        ("lone\ud800.png", "lone.png"),
        ("", UNNAMED),
        ("   ", UNNAMED),
        ("..", UNNAMED),
        ("///", UNNAMED),
        ("\u202e\u202e", UNNAMED),
        ("<script>alert(1)<", "<script>alert(1)<"),  # shown as it is; escaping is the business of the page
    ],
)
def test_shown(name: str, shown: str) -> None:
    assert display_name(name) == shown
    assert quoted(name) == f"“{shown}”"


def test_long_names_lose_their_middle_and_keep_their_ending() -> None:
    shown = display_name("a" * 5000 + ".jpeg")
    assert len(shown) == SHOWN
    assert shown.startswith("aaa") and "…" in shown and shown.endswith(".jpeg")


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)&gt;"),
        ('" onload="x', "&quot; onload=&quot;x"),
        ("a & b's", "a &amp; b&#x27;s"),
    ],
)
def test_html(text: str, escaped: str) -> None:
    assert in_html(text) == escaped


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain", "plain"),
        ("**bold**", r"\*\*bold\*\*"),
        ("![x](y)", r"\!\[x\]\(y\)"),
        (":red[x] :material/home:", r"\:red\[x\] \:material/home\:"),
        ("$x$ `y` <b>", r"\$x\$ \`y\` \<b\>"),
        ("# title\n\n- item", r"\# title \- item"),
        ("1. item", r"1\. item"),
        ("a_b ~~c~~ |d|", r"a\_b \~\~c\~\~ \|d\|"),
        ("www.evil.com", "www\u2060\\.evil\\.com"),
        ("WWW.evil.com", "WWW\u2060\\.evil\\.com"),
        ("https://a.b", "https\\:\u2060//a\\.b"),
        ("http://a.b", "http\\:\u2060//a\\.b"),
        ("a@b.de", "a@\u2060b\\.de"),
        ("back\\slash &amp;", r"back\\slash \&amp;"),
    ],
)
def test_markdown(text: str, escaped: str) -> None:
    assert in_markdown(text) == escaped


@pytest.mark.parametrize(
    ("name", "what", "ending", "download"),
    [
        ("bus.jpg", "annotated", "png", "bus-annotated.png"),
        ("my holiday (2).jpeg", "detections", "csv", "my-holiday-2-detections.csv"),
        ("Zürich 東京.png", "result", "json", "Zurich-result.json"),
        ("../../etc/passwd", "x", "png", "passwd-x.png"),
        ("東京.png", "annotated", "png", "result-annotated.png"),
        ("", "annotated", "png", "result-annotated.png"),
        ("CON.png", "a", "png", "result-a.png"),
        ("com1.jpg", "a", "png", "result-a.png"),
        ("-rf.jpg", "a", "png", "rf-a.png"),
        ("=cmd.csv", "a", "csv", "cmd-a.csv"),
        (".htaccess", "a", "png", "htaccess-a.png"),
        ("a.tar.gz", "a", "png", "a-tar-a.png"),
        ("x" * 300 + ".png", "a", "png", "x" * 52 + "-" + "x" * 7 + "-a.png"),
    ],
)
def test_download(name: str, what: str, ending: str, download: str) -> None:
    made = download_name(name, what, ending)
    assert len(made) <= 60 + 1 + len(what) + 1 + len(ending)
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
    if not name.startswith("xxx"):
        assert made == download
