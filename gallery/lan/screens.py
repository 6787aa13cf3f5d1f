"""The pages that are shown before the gallery: small, complete in themselves, nothing is fetched for them."""

from __future__ import annotations

import base64
import functools
import hashlib
from html import escape
from pathlib import Path

from gallery.lan.text import TEXTS

_ICON = Path(__file__).parents[1] / "ui" / "assets" / "icon.svg"
_STYLE = """
:root { color-scheme: light dark; --ground: #F1F5F5; --card: #FFFFFF; --text: #16222B; --quiet: #45555E;
  --accent: #00697A; --on: #FFFFFF; --line: #7A8C92; --bad: #A61B1B; --bad-ground: #FBEAEA; }
@media (prefers-color-scheme: dark) { :root { --ground: #10171C; --card: #1B252C; --text: #E8EEF0; --quiet: #B4C2C8;
  --accent: #4DB6C6; --on: #10171C; --line: #7A8C92; --bad: #FFB4AB; --bad-ground: #3A1D1D; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: flex; align-items: center; justify-content: center; padding: 1.25rem;
  background: var(--ground); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 26rem; background: var(--card); border-radius: .8rem; padding: 2rem 1.75rem; }
img { display: block; width: 3.25rem; height: 3.25rem; margin-bottom: 1rem; }
h1 { font-size: 1.6rem; line-height: 1.2; letter-spacing: -.015em; margin: 0 0 .75rem; text-wrap: balance; }
p { margin: 0 0 1rem; }
label { display: block; font-weight: 600; margin-bottom: .35rem; }
input { width: 100%; font: inherit; font-size: 1.35rem; letter-spacing: .06em; padding: .6rem .8rem; color: inherit;
  background: transparent; border: 2px solid var(--line); border-radius: .6rem; }
button, .button { display: block; width: 100%; min-height: 3rem; margin-top: 1rem; padding: .7rem 1rem; font: inherit;
  font-weight: 600; text-align: center; text-decoration: none; color: var(--on); background: var(--accent); border: 0;
  border-radius: .6rem; cursor: pointer; touch-action: manipulation; }
input:focus-visible, button:focus-visible, .button:focus-visible { outline: 3px solid var(--accent);
  outline-offset: 2px; }
.help { color: var(--quiet); font-size: .925rem; margin: .5rem 0 0; }
.small { color: var(--quiet); font-size: .85rem; margin: 1.5rem 0 0; }
summary { cursor: pointer; padding: .4rem 0; }
details p { margin: .5rem 0; }
ol { margin: 0; padding-left: 1.4rem; }
a { color: var(--accent); }
a.button { color: var(--on); }
.bad { color: var(--bad); background: var(--bad-ground); border-radius: .6rem; padding: .7rem .9rem; }
code { display: block; font: .85rem/1.6 ui-monospace, monospace; overflow-wrap: anywhere; margin-top: .5rem; }
"""

#: Sent with each of these pages: nothing runs, nothing is fetched, no other site can frame it or be posted to.
HEADERS: tuple[tuple[str, str], ...] = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store"),
    (
        "Content-Security-Policy",
        "default-src 'none'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; style-src "
        f"'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
)


def ask(action: str, going_to: str, certificate: str, *, digits: bool, hours: int, problem: str = "") -> bytes:
    """The page that asks for the passcode.

    Args:
        action: path that the form is sent to.
        going_to: path that was asked for.
        certificate: path of the certificate that an iPhone can install.
        digits: whether the passcode is digits, so that a phone shows its number pad.
        hours: for how long the cookie lasts.
        problem: why the last try did not work, as a sentence.
    """
    keyboard = 'type="text" inputmode="numeric"' if digits else 'type="password"'
    wrong = ' aria-invalid="true"' if problem else ""
    said = f'<p class="bad" role="alert" id="problem">{escape(problem)}</p>' if problem else ""
    described = "problem help" if problem else "help"
    return _page(
        TEXTS["title"],
        f"""<p>{escape(TEXTS["ask.lead"])}</p>
{said}
<form method="post" action="{escape(action)}">
<input type="hidden" name="next" value="{escape(going_to)}">
<label for="passcode">{escape(TEXTS["ask.label"])}</label>
<input id="passcode" name="passcode" {keyboard} autocomplete="off" autocapitalize="off" autocorrect="off"
 spellcheck="false" maxlength="128" required autofocus aria-describedby="{described}"{wrong}>
<p class="help" id="help">{escape(TEXTS["ask.help"])}</p>
<button type="submit">{escape(TEXTS["ask.enter"])}</button>
</form>
<p class="small">{escape(TEXTS["ask.cookie"].format(hours=hours))}</p>
<details class="small">
<summary>{escape(TEXTS["apple.title"])}</summary>
<p>{escape(TEXTS["apple.why"])}</p>
<ol>
<li><a href="{escape(certificate)}">{escape(TEXTS["apple.load"])}</a></li>
<li>{escape(TEXTS["apple.install"])}</li>
<li>{escape(TEXTS["apple.trust"])}</li>
</ol>
<p>{escape(TEXTS["apple.safe"])}</p>
</details>""",
    )


def plain(address: str, fingerprint: str) -> bytes:
    """The page for somebody who came over http: why that does not do, and the way over https.

    Args:
        address: the same page over https.
        fingerprint: of the certificate that will be shown.
    """
    return _page(
        TEXTS["plain.title"],
        f"""<p>{escape(TEXTS["plain.lead"])}</p>
<p><a class="button" href="{escape(address)}">{escape(TEXTS["plain.link"])}</a></p>
<p>{escape(TEXTS["plain.warns"])}</p>
<p class="small">{escape(TEXTS["plain.print"])} <code>{escape(fingerprint)}</code></p>""",
    )


def other_host() -> bytes:
    """The page for an address with a name that is not this machine's."""
    return _page(TEXTS["host.title"], f"<p>{escape(TEXTS['host.lead'])}</p>")


def _page(heading: str, content: str) -> bytes:
    icon = _icon()
    title = TEXTS["title"] if heading == TEXTS["title"] else f"{heading} · {TEXTS['title']}"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{escape(title)}</title>
<link rel="icon" href="{icon}">
<style>{_STYLE}</style>
</head>
<body>
<main>
<img src="{icon}" alt="">
<h1>{escape(heading)}</h1>
{content}
</main>
</body>
</html>
""".encode()


@functools.cache
def _icon() -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(_ICON.read_bytes()).decode()
