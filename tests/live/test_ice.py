"""Where STUN and TURN servers are set."""

from __future__ import annotations

import pytest

from gallery.errors import OptionError
from gallery.live import ice


@pytest.mark.parametrize(
    ("setting", "expected", "exception"),
    [
        (None, [], None),
        ("", [], None),
        ("  ", [], None),
        ("[]", [], None),
        ('[{"urls": "stun:stun.example.org:3478"}]', [{"urls": "stun:stun.example.org:3478"}], None),
        (
            '[{"urls": ["turn:a.example", "turns:b.example"], "username": "u", "credential": "p"}]',
            [{"urls": ["turn:a.example", "turns:b.example"], "username": "u", "credential": "p"}],
            None,
        ),
        ("stun:stun.example.org", None, OptionError),
        ('{"urls": "stun:a.example"}', None, OptionError),
        ('[{"url": "stun:a.example"}]', None, OptionError),
        ('[{"urls": "http://a.example"}]', None, OptionError),
        ('[{"urls": []}]', None, OptionError),
        ('[{"urls": "stun:a.example", "username": 1}]', None, OptionError),
    ],
)
def test_servers(
    monkeypatch: pytest.MonkeyPatch, setting: str | None, expected: object, exception: type | None
) -> None:
    if setting is None:
        monkeypatch.delenv(ice.VARIABLE, raising=False)
    else:
        monkeypatch.setenv(ice.VARIABLE, setting)
    if exception:
        with pytest.raises(exception, match=ice.VARIABLE):
            ice.servers()
    else:
        assert ice.servers() == expected
        assert ice.configuration() == {"iceServers": expected}
