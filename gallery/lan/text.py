"""Every sentence that is said before somebody is in, by key. Values are put in by :mod:`gallery.lan.screens`."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    "title": "Deep Learning Gallery",
    # asking for the passcode
    "ask.lead": "This gallery is shared on the local network.",
    "ask.label": "Passcode",
    "ask.help": "It stands on the terminal of the computer that shares the gallery.",
    "ask.enter": "Open the gallery",
    "ask.empty": "Type the passcode first.",
    "ask.wrong": "That is not the passcode. Look at the terminal and try again.",
    "ask.wrong.wait": "That is not the passcode. You can try again in {wait}.",
    "ask.wait": "There were too many wrong tries. You can try again in {wait}.",
    "ask.refused": "The gallery did not understand what your browser sent. Type the passcode again.",
    "ask.cookie": "After the right passcode, your browser keeps a cookie for {hours} hours, so that you are not asked "
    "again.",
    # what iPhones need besides
    "apple.title": "On an iPhone or iPad",
    "apple.why": "There, the page opens but stays empty until the certificate is installed, because live connections "
    "to a certificate that is not installed are refused.",
    "apple.load": "Download the certificate",
    "apple.install": "In Settings, General, “VPN & Device Management”, install it.",
    "apple.trust": "In Settings, General, About, “Certificate Trust Settings”, switch it on.",
    "apple.safe": "The key that signed it was thrown away, so it can vouch for nothing but this gallery. You can "
    "remove it in “VPN & Device Management” later.",
    "wait.second": "one second",
    "wait.seconds": "{count} seconds",
    "wait.minutes": "{count} minutes",
    # http instead of https
    "plain.title": "This address needs https",
    "plain.lead": "You opened the gallery with plain http. A browser gives the camera and the microphone only to pages "
    "that came over https, so the gallery is shared over https only.",
    "plain.link": "Open the gallery over https",
    "plain.warns": "Your browser will warn once, because the computer that shares the gallery made the certificate "
    "itself and no authority vouches for it. The connection is encrypted all the same. Choose “Advanced” or "
    "“Details”, then continue.",
    "plain.print": "Before you continue, you can compare the certificate's SHA-256 fingerprint in your browser with "
    "the one on the terminal of that computer. The terminal is what counts, because this page came unencrypted. It "
    "reads:",
    # another name
    "host.title": "The gallery has another address",
    "host.lead": "The gallery does not answer to the name in this address. Type the address that stands on the "
    "terminal of the computer that shares it.",
    # answers to programs
    "closed": "Open the gallery in a browser and type the passcode first.\n",
}


def duration(seconds: float) -> str:
    """A time to wait, in words, never less than what is left."""
    whole = max(1, int(-(-seconds // 1)))
    if whole == 1:
        return TEXTS["wait.second"]
    if whole <= 90:
        return TEXTS["wait.seconds"].format(count=whole)
    return TEXTS["wait.minutes"].format(count=-(-whole // 60))
