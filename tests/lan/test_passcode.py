"""The passcode, how often it may be wrong, and for how long somebody is in."""

from __future__ import annotations

import pytest

from gallery.errors import OptionError
from gallery.lan.passcode import VARIABLE, Passcode, Sessions, Throttle, chosen, make


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_one_that_is_made_is_easy_to_type_and_never_the_same() -> None:
    made = [make() for _ in range(50)]
    assert all(code.text.replace(" ", "").isdigit() and len(code.text) == 9 for code in made)
    assert len({code.text for code in made}) == 50


@pytest.mark.parametrize(
    ("code", "typed", "expected"),
    [
        (Passcode("0482 9136", True), "0482 9136", True),
        (Passcode("0482 9136", True), "04829136", True),
        (Passcode("0482 9136", True), " 0482-9136 ", True),
        (Passcode("0482 9136", True), "０４８２９１３６", True),  # the wide digits of a Japanese keyboard
        (Passcode("0482 9136", True), "482 9136", False),
        (Passcode("0482 9136", True), "", False),
        (Passcode("correct horse", False), "correct horse", True),
        (Passcode("correct horse", False), " correct horse ", True),
        (Passcode("correct horse", False), "correcthorse", False),
        (Passcode("correct horse", False), "Correct horse", False),
        (Passcode("grüße dich", False), "grüße dich", True),
        (Passcode("correct horse", False), "\udcff", False),
    ],
)
def test_what_matches(code: Passcode, typed: str, expected: bool) -> None:
    assert code.matches(typed) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        ("   ", None),
        ("correct horse", "correct horse"),
        (" 123456 ", "123456"),
        ("12345", OptionError),
        ("x" * 129, OptionError),
        ("with\x07bell", OptionError),
    ],
)
def test_one_of_ones_own(monkeypatch: pytest.MonkeyPatch, value: str | None, expected: object) -> None:
    if value is None:
        monkeypatch.delenv(VARIABLE, raising=False)
    else:
        monkeypatch.setenv(VARIABLE, value)
    if expected is OptionError:
        with pytest.raises(OptionError) as refused:
            chosen()
        assert value is not None and value not in str(refused.value)
    else:
        code = chosen()
        assert (code.text if code else None) == expected
        assert code is None or not code.made


def test_after_a_few_wrong_tries_one_waits_ever_longer() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    waits = []
    for _ in range(12):
        waits.append(throttle.wrong("a"))
        clock.now += waits[-1]
        assert throttle.wait("a") == 0
    assert waits == [0, 0, 0, 5, 10, 20, 40, 80, 160, 300, 300, 300]


def test_one_who_waits_does_not_stop_another() -> None:
    throttle = Throttle(Clock())
    for _ in range(6):
        throttle.wrong("a")
    assert throttle.wait("a") > 0 and throttle.wait("b") == 0


def test_the_right_one_or_an_hour_makes_it_forgotten() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    for address in ("a", "b"):
        for _ in range(4):
            throttle.wrong(address)
    throttle.right("a")
    assert throttle.wait("a") == 0 and throttle.wrong("a") == 0
    clock.now += Throttle.FORGET_S + 1
    assert throttle.wait("b") == 0 and throttle.wrong("b") == 0


def test_many_addresses_share_one_bound() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    tries = 0
    end = clock.now + 24 * 3600
    while clock.now < end:
        address = f"10.0.{tries // 256}.{tries % 256}"
        wait = throttle.wait(address)
        if wait:
            clock.now += wait
            continue
        throttle.wrong(address)
        tries += 1
        assert tries < 10_000
    assert tries <= Throttle.TOGETHER + 24 * 3600 / Throttle.REFILL_S + 1
    assert len(throttle._wrong) <= Throttle.ADDRESSES


def test_a_token_lasts_a_day_and_only_those_given_out_count() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    token = sessions.new()
    assert sessions.valid(token)
    for forged in ("", "x", token + "x", token[:-1], "\udcff"):
        assert not sessions.valid(forged)
    assert token.encode() not in b"".join(sessions._ends)
    clock.now += Sessions.LIFETIME_S
    assert not sessions.valid(token)


def test_the_number_of_tokens_is_bounded() -> None:
    sessions = Sessions(Clock())
    first = sessions.new()
    last = [sessions.new() for _ in range(Sessions.MOST)][-1]
    assert len(sessions._ends) == Sessions.MOST
    assert sessions.valid(last) and not sessions.valid(first)
