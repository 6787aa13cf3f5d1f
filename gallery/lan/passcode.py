"""The passcode that visitors from the local network are asked for, and how often they may be wrong."""

from __future__ import annotations

import hashlib
import hmac
import math
import os
import secrets
import time
import unicodedata
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from gallery.errors import OptionError

VARIABLE = "GALLERY_PASSCODE"
#: Digits of one that the gallery makes. With at most 8,640 wrong tries a day (below), guessing it takes years.
DIGITS = 8
SHORTEST, LONGEST = 6, 128


@dataclass(frozen=True, slots=True)
class Passcode:
    """What has to be typed.

    Attributes:
        text: as it is shown on the terminal.
        made: whether the gallery made it; then it is digits, and spaces between them do not matter.
    """

    text: str
    made: bool

    def matches(self, typed: str) -> bool:
        """Whether this was typed, in a time that does not tell how much of it was right."""
        return hmac.compare_digest(self._hash(typed), self._hash(self.text))

    def _hash(self, text: str) -> bytes:
        text = unicodedata.normalize("NFKC", text).strip()
        if self.made:
            text = "".join(character for character in text if character not in " -\u2013\u00a0")
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def make() -> Passcode:
    """A new one by chance: digits in two groups, which every phone types without switching its keyboard."""
    digits = "".join(secrets.choice("0123456789") for _ in range(DIGITS))
    return Passcode(f"{digits[:4]} {digits[4:]}", made=True)


def chosen() -> Passcode | None:
    """The one that the person set in the environment, which is cleared of it; None when there is none.

    Raises:
        OptionError: it is too short to protect anything, or too long.
    """
    text = os.environ.pop(VARIABLE, "").strip()
    if not text:
        return None
    if not SHORTEST <= len(text) <= LONGEST or not text.isprintable():
        raise OptionError(
            f"The passcode in {VARIABLE} is not usable.",
            f"Choose {SHORTEST} to {LONGEST} printable characters, or leave it out and the gallery makes one.",
        )
    return Passcode(text, made=False)


class Throttle:
    """How long somebody has to wait after wrong passcodes. Not shared between threads.

    Each address has a few tries free, then waits twice as long after each. Besides, all addresses together share one
    bucket, because a machine can have many addresses. What is remembered is bounded.

    Args:
        clock: seconds, rising.
    """

    FREE = 4
    FIRST_WAIT_S = 5.0
    LONGEST_WAIT_S = 300.0
    FORGET_S = 3600.0
    ADDRESSES = 1024
    #: Wrong tries of everybody: so many at once, and one more every so many seconds.
    TOGETHER = 20
    REFILL_S = 10.0

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, tuple[int, float, float]] = OrderedDict()  # how many, last, free again at
        self._left = float(self.TOGETHER)
        self._filled = clock()

    def wait(self, address: str) -> float:
        """Seconds until the next try of an address is looked at; 0 for now."""
        now = self._clock()
        self._refill(now)
        together = (1.0 - self._left) * self.REFILL_S if self._left < 1.0 else 0.0
        count, last, free = self._wrong.get(address, (0, now, now))
        if count and now - last > self.FORGET_S:
            del self._wrong[address]
            return together
        return max(0.0, free - now, together)

    def wrong(self, address: str) -> float:
        """Note a wrong try; seconds until the next."""
        now = self._clock()
        self._refill(now)
        self._left = max(0.0, self._left - 1.0)
        count, last, _ = self._wrong.pop(address, (0, now, now))
        count = 1 if now - last > self.FORGET_S else count + 1
        beyond = count - self.FREE
        pause = 0.0 if beyond < 0 else min(self.LONGEST_WAIT_S, self.FIRST_WAIT_S * 2.0 ** min(beyond, 16))
        self._wrong[address] = (count, now, now + pause)
        while len(self._wrong) > self.ADDRESSES:
            self._wrong.popitem(last=False)  # the one whose last try is longest ago
        return self.wait(address)

    def right(self, address: str) -> None:
        """Forget what an address did wrong."""
        self._wrong.pop(address, None)

    def _refill(self, now: float) -> None:
        self._left = min(float(self.TOGETHER), self._left + (now - self._filled) / self.REFILL_S)
        self._filled = now


class Sessions:
    """Who has been let in: random tokens that end, kept as hashes and only in memory. Not shared between threads.

    Args:
        clock: seconds, rising.
    """

    LIFETIME_S = 24 * 3600
    MOST = 2000

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends: OrderedDict[bytes, float] = OrderedDict()

    def new(self) -> str:
        """Let somebody in; the token for the cookie. The oldest one ends when there are too many."""
        now = self._clock()
        while self._ends and (len(self._ends) >= self.MOST or next(iter(self._ends.values())) <= now):
            self._ends.popitem(last=False)
        token = secrets.token_urlsafe(32)
        self._ends[_key(token)] = now + self.LIFETIME_S
        return token

    def valid(self, token: str) -> bool:
        """Whether a token was given out and has not ended. Its hash is looked up, so timing tells nothing of it."""
        return self._ends.get(_key(token), -math.inf) > self._clock()


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
