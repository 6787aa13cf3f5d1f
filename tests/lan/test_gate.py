"""The gate, called as a web server calls it: what gets through without the passcode is nothing."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode

import pytest

from gallery.lan import gate as gates
from gallery.lan.gate import ENTRY, Gate
from gallery.lan.passcode import Passcode, Throttle
from gallery.lan.text import TEXTS, duration
from tests import loops

CODE = Passcode("0482 9136", made=True)
HOST = "192.168.1.20:8501"
NAMES = ("localhost", "127.0.0.1", "192.168.1.20", "laptop.local")
FORM = "application/x-www-form-urlencoded"
HTML = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Inner:
    """What is protected: notes what reaches it."""

    def __init__(self) -> None:
        self.reached: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.reached.append(f"{scope['type']} {scope.get('path', '')}")
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"inside"})
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})


class Answer:
    """What came back."""

    def __init__(self, messages: list[dict[str, Any]]) -> None:
        self.status: int = messages[0]["status"]
        self.headers = [(name.decode(), value.decode()) for name, value in messages[0]["headers"]]
        self.body = b"".join(message.get("body", b"") for message in messages[1:])

    def header(self, name: str) -> str:
        found = [value for key, value in self.headers if key == name]
        assert len(found) <= 1
        return found[0] if found else ""


class Visitor:
    """A browser at the gate."""

    def __init__(self, clock: Clock | None = None, code: Passcode = CODE) -> None:
        self.inner = Inner()
        throttle = Throttle(clock or Clock())
        self.gate = Gate(self.inner, code, hosts=NAMES, authority=b"DER", throttle=throttle)
        self.cookie = ""

    def ask(
        self,
        path: str = "/",
        method: str = "GET",
        headers: dict[str, str] | list[tuple[str, str]] | None = None,
        body: bytes | list[bytes] = b"",
        *,
        client: str = "192.168.1.50",
        host: str | None = HOST,
        **scope: Any,
    ) -> Answer:
        messages = self._run(path, method, headers, body, client, host, {"type": "http", "scheme": "https", **scope})
        return Answer(messages)

    def connect(self, path: str = "/_stcore/stream", headers: Any = None, host: str = HOST, **scope: Any) -> list[str]:
        kind = {"type": "websocket", "scheme": "wss", **scope}
        return [m["type"] for m in self._run(path, "GET", headers, b"", "192.168.1.50", host, kind)]

    def enter(self, typed: str, going_to: str = "/", client: str = "192.168.1.50", **more: Any) -> Answer:
        form = urlencode({"passcode": typed, "next": going_to}).encode()
        headers = {"content-type": FORM, "origin": f"https://{HOST}"}
        answer = self.ask(ENTRY, "POST", headers, form, client=client, **more)
        self.cookie = answer.header("set-cookie").split(";")[0] or self.cookie
        return answer

    def _run(self, path: str, method: str, headers: Any, body: Any, client: str, host: str | None, kind: Any) -> Any:
        pairs = list(headers.items()) if isinstance(headers, dict) else list(headers or [])
        if host is not None:
            pairs.append(("host", host))
        if self.cookie:
            pairs.append(("cookie", self.cookie))
        raw, _, query = path.partition("?")
        scope = {
            "method": method,
            "path": raw,
            "raw_path": raw.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in pairs],
            "client": (client, 5000),
            **kind,
        }
        parts = [body] if isinstance(body, bytes) else body
        incoming = [{"type": "websocket.connect"}] if kind["type"] == "websocket" else [
            {"type": "http.request", "body": part, "more_body": i < len(parts) - 1} for i, part in enumerate(parts)
        ]  # fmt: skip
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if incoming:
                return incoming.pop(0)
            await asyncio.sleep(60)
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        loops.run(self.gate(scope, receive, send))
        return sent


@pytest.mark.parametrize("path", ["/", "/signs", "/signs?sample=a&b=c", "/../../etc/passwd", "/%2e%2e/app.py", "//x"])
def test_a_page_is_the_question_for_the_passcode(path: str) -> None:
    visitor = Visitor()
    answer = visitor.ask(path, headers=HTML)
    page = answer.body.decode()
    assert answer.status == 200 and visitor.inner.reached == []
    assert TEXTS["ask.help"] in page and CODE.text not in page and "04829136" not in page
    assert "http://" not in page.replace("http://www.w3.org", "") and "https://" not in page and "<script" not in page
    assert answer.header("cache-control") == "no-store" and answer.header("set-cookie") == ""
    policy = answer.header("content-security-policy")
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "form-action 'self'" in policy
    assert int(answer.header("content-length")) == len(answer.body)


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/_stcore/host-config", {}),
        ("GET", "/_stcore/metrics", {}),
        ("GET", "/_stcore/health/", {}),
        ("GET", "//_stcore/health", {}),
        ("POST", "/_stcore/health", {}),
        ("GET", "/media/abc.jpg", {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image", **HTML}),
        ("GET", "/static/js/index.js", {"sec-fetch-mode": "cors", "sec-fetch-dest": "script"}),
        ("GET", "/component/x/index.html", {"sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe", **HTML}),
        ("PUT", "/_stcore/upload_file/session/file", {}),
        ("DELETE", "/_stcore/upload_file/session/file", {}),
        ("OPTIONS", "/_stcore/upload_file/session/file", {}),
        ("POST", "/", HTML),
        ("POST", "/signs", {"content-type": FORM, **HTML}),
        ("GET", "/", {}),
    ],
)
def test_everything_else_is_refused(method: str, path: str, headers: dict[str, str]) -> None:
    visitor = Visitor()
    answer = visitor.ask(path, method, headers, b"passcode=0482+9136")
    assert answer.status == 401 and visitor.inner.reached == []


def test_a_web_socket_is_refused_without_and_opened_with_the_cookie() -> None:
    visitor = Visitor()
    assert visitor.connect() == ["websocket.close"]
    visitor.cookie = "__Host-gallery=forged"
    assert visitor.connect() == ["websocket.close"]
    assert visitor.inner.reached == []
    visitor.enter(CODE.text)
    assert visitor.connect() == ["websocket.accept"]
    assert visitor.connect(host="evil.example") == ["websocket.close"]
    assert visitor.connect(scheme="ws") == ["websocket.close"]


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (f"https://{HOST}", "websocket.accept"),
        (f"https://{HOST.upper()}", "websocket.accept"),
        (f"https://{HOST.split(':')[0]}:9999", "websocket.close"),  # another service of this computer
        (f"http://{HOST}", "websocket.close"),
        ("https://evil.example", "websocket.close"),
        ("null", "websocket.close"),
    ],
)
def test_a_web_socket_is_opened_for_our_own_pages_only(origin: str, expected: str) -> None:
    visitor = Visitor()
    visitor.enter(CODE.text)
    assert visitor.connect(headers={"origin": origin}) == [expected]


def test_whether_it_runs_may_be_asked_by_all() -> None:
    visitor = Visitor()
    assert visitor.ask("/_stcore/health").body == b"inside"
    assert visitor.ask("/_stcore/health", "HEAD").status == 200


def test_the_certificate_may_be_installed_before_the_passcode() -> None:
    visitor = Visitor()
    assert f'href="{gates.CERTIFICATE}"' in visitor.ask("/", headers=HTML).body.decode()
    answer = visitor.ask(gates.CERTIFICATE)
    assert (answer.status, answer.body) == (200, b"DER")
    assert answer.header("content-type") == "application/x-x509-ca-cert"
    assert visitor.ask(gates.CERTIFICATE, "POST").status == 401
    assert visitor.inner.reached == []


def test_the_start_of_the_server_is_passed_on_and_unknown_kinds_are_not() -> None:
    inner = Inner()

    async def nothing(*_: Any) -> Any:
        raise AssertionError("not asked")

    loops.run(Gate(inner, CODE, hosts=NAMES)({"type": "lifespan"}, nothing, nothing))
    loops.run(Gate(inner, CODE, hosts=NAMES)({"type": "telnet", "path": "/"}, nothing, nothing))
    assert inner.reached == ["lifespan "]


def test_the_right_passcode_gives_a_cookie_that_opens() -> None:
    visitor = Visitor()
    answer = visitor.enter("04829136", "/signs?sample=street")
    assert (answer.status, answer.header("location")) == (303, "/signs?sample=street")
    flags = answer.header("set-cookie").split("; ")[1:]
    assert set(flags) == {"Max-Age=86400", "Path=/", "Secure", "HttpOnly", "SameSite=Lax"}
    name, _, token = visitor.cookie.partition("=")
    assert name.startswith("__Host-") and len(token) >= 43
    assert visitor.ask("/signs", headers=HTML).body == b"inside"
    assert visitor.ask("/_stcore/upload_file/session/file", "PUT").body == b"inside"
    assert visitor.ask("/media/abc.jpg").body == b"inside"
    again = Visitor()
    again.enter(CODE.text)
    assert again.cookie != visitor.cookie


@pytest.mark.parametrize(
    "cookie",
    [
        "__Host-gallery=",
        "__Host-gallery=forged",
        "__Host-gallery=04829136",
        "gallery={token}",
        "__Host-gallery={token}x",
        "x__Host-gallery={token}",
        "__host-gallery={token}",
        "a=__Host-gallery={token}",
        "__Host-gallery=\xff\xfe",
        "=" * 5000,
        ";".join(["__Host-gallery=x"] * 10) + "; __Host-gallery={token}",  # so many are not looked at
    ],
)
def test_a_forged_cookie_opens_nothing(cookie: str) -> None:
    visitor = Visitor()
    visitor.enter(CODE.text)
    visitor.cookie = cookie.replace("{token}", visitor.cookie.partition("=")[2])
    assert visitor.ask("/", headers=HTML).body != b"inside"
    assert visitor.inner.reached == []


def test_a_cookie_among_others_and_beside_a_false_one_opens() -> None:
    visitor = Visitor()
    visitor.enter(CODE.text)
    visitor.cookie = f"a=b; __Host-gallery=planted;{visitor.cookie} ; c=d"
    assert visitor.ask("/", headers=HTML).body == b"inside"


def test_a_wrong_passcode_is_said_and_then_waited_for() -> None:
    clock = Clock()
    visitor = Visitor(clock)
    for _ in range(3):
        answer = visitor.enter("1111 1111")
        assert answer.status == 403 and TEXTS["ask.wrong"] in answer.body.decode()
    answer = visitor.enter("1111 1111")
    assert (answer.status, answer.header("retry-after")) == (403, "5") and "5 seconds" in answer.body.decode()
    clock.now += 2
    answer = visitor.enter(CODE.text)  # the right one too: otherwise guessing could go on
    assert (answer.status, answer.header("retry-after")) == (429, "3") and "3 seconds" in answer.body.decode()
    assert visitor.cookie == ""
    assert visitor.enter(CODE.text, client="192.168.1.51").status == 303
    clock.now += 3
    assert visitor.enter(CODE.text).status == 303


@pytest.mark.parametrize("empty", ["", "   "])
def test_an_empty_passcode_is_no_try(empty: str) -> None:
    visitor = Visitor()
    for _ in range(10):
        answer = visitor.enter(empty)
        assert answer.status == 400 and TEXTS["ask.empty"] in answer.body.decode()
    assert visitor.enter(CODE.text).status == 303


def test_an_address_that_a_header_claims_does_not_count() -> None:
    visitor = Visitor()
    form = urlencode({"passcode": "1"}).encode()
    for i in range(5):
        headers = {"content-type": FORM, "x-forwarded-for": f"10.0.0.{i}"}
        answer = visitor.ask(ENTRY, "POST", headers, form)
    assert answer.status == 429


@pytest.mark.parametrize(
    ("going_to", "expected"),
    [
        ("/", "/"),
        ("/signs", "/signs"),
        ("/signs?sample=a%20b&x=/y", "/signs?sample=a%20b&x=/y"),
        ("/signs?u=https://evil.example", "/signs?u=https://evil.example"),
        ("", "/"),
        ("signs", "/"),
        ("//evil.example", "/"),
        ("///evil.example", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("/..//evil.example", "/"),
        ("/.//evil.example", "/"),
        ("/%2e//evil.example", "/"),
        ("/a/%2E%2e//evil.example", "/"),
        ("https://evil.example/", "/"),
        ("https:/evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/evil.example", "/"),
        ("/a\r\nSet-Cookie: x=y", "/"),
        ("/a\x00b", "/"),
        ("/é", "/"),
        (" /signs", "/"),
        ("/" + "a" * 3000, "/"),
    ],
)
def test_it_sends_nobody_elsewhere(going_to: str, expected: str) -> None:
    answer = Visitor().enter(CODE.text, going_to)
    assert (answer.status, answer.header("location")) == (303, expected)
    assert all("\n" not in value and "\r" not in value for _, value in answer.headers)


@pytest.mark.parametrize("path", ['/"><script>alert(1)</script>', "/?a='\"<b>&", "/&quot;"])
def test_a_path_cannot_write_into_the_page(path: str) -> None:
    page = Visitor().ask(path, headers=HTML).body.decode()
    assert "<script" not in page and "<b>" not in page and "'\"" not in page


@pytest.mark.parametrize(
    ("host", "scheme", "status"),
    [
        (HOST, "https", 200),
        ("192.168.1.20", "https", 200),
        ("LAPTOP.local:8501", "https", 200),
        ("laptop.local.:8501", "https", 200),
        ("localhost:8501", "https", 200),
        ("evil.example", "https", 421),
        ("192.168.1.20.evil.example", "https", 421),
        ("evil@192.168.1.20", "https", 421),
        ("192.168.1.20/evil", "https", 421),
        ("192.168.1.20:port", "https", 421),
        ("[::1", "https", 421),
        ("", "https", 421),
        (None, "https", 421),
        (HOST, "http", 421),
    ],
)
def test_it_answers_to_its_own_names_and_over_tls_only(host: str | None, scheme: str, status: int) -> None:
    visitor = Visitor()
    visitor.enter(CODE.text)
    answer = visitor.ask("/", headers=HTML, host=host, scheme=scheme)
    assert answer.status == status
    assert (answer.body == b"inside") is (status == 200)


def test_two_host_headers_are_none() -> None:
    assert Visitor().ask("/", headers=[("host", HOST), *HTML.items()]).status == 421


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"content-type": "application/json"}, b'{"passcode": "0482 9136"}'),
        ({"content-type": "multipart/form-data; boundary=x"}, b"passcode=0482+9136"),
        ({}, b"passcode=0482+9136"),
        ({"content-type": FORM}, b"passcode=0482+9136&x=" + b"x" * 5000),
        ({"content-type": FORM}, [b"passcode=0482+9136&x=", *[b"x" * 500] * 10]),
        ({"content-type": FORM, "content-length": "99999999999999"}, b""),
        ({"content-type": FORM, "content-length": "-1"}, b"passcode=0482+9136"),
        ({"content-type": FORM}, b"&".join([b"passcode=0482+9136"] * 50)),
        ({"content-type": FORM}, b"\xff\xfe"),
        (
            {"content-type": FORM, "origin": "https://evil.example"},
            b"passcode=0482+9136",
        ),
        ({"content-type": FORM, "origin": "null"}, b"passcode=0482+9136"),
        ({"content-type": FORM, "origin": f"http://{HOST}"}, b"passcode=0482+9136"),
        ({"content-type": FORM, "sec-fetch-site": "cross-site"}, b"passcode=0482+9136"),
    ],
)
def test_a_form_that_is_not_ours_is_refused(headers: dict[str, str], body: Any) -> None:
    answer = Visitor().ask(ENTRY, "POST", headers, body)
    assert answer.status == 400 and answer.header("set-cookie") == ""
    assert TEXTS["ask.refused"] in answer.body.decode()


def test_a_form_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "_PATIENCE_S", 0.05)
    visitor = Visitor()
    unfinished = [{"type": "http.request", "body": b"passcode=", "more_body": True}]

    async def ask() -> list[Any]:
        sent: list[Any] = []

        async def receive() -> Any:
            if unfinished:
                return unfinished.pop()
            await asyncio.sleep(60)

        async def send(message: Any) -> None:
            sent.append(message)

        headers = [(b"host", HOST.encode()), (b"content-type", FORM.encode())]
        scope = {"type": "http", "scheme": "https", "method": "POST", "path": ENTRY, "headers": headers}
        await visitor.gate(scope, receive, send)
        return sent

    assert Answer(loops.run(ask())).status == 400


@pytest.mark.parametrize(("method", "status"), [("GET", 303), ("HEAD", 303), ("PUT", 405), ("DELETE", 405)])
def test_the_forms_own_address_leads_home(method: str, status: int) -> None:
    answer = Visitor().ask(ENTRY, method)
    assert answer.status == status and answer.header("location") == ("/" if status == 303 else "")


def test_the_number_pad_is_for_digits_only() -> None:
    own = Visitor(code=Passcode("correct horse", made=False))
    assert 'inputmode="numeric"' in Visitor().ask("/", headers=HTML).body.decode()
    assert 'type="password"' in own.ask("/", headers=HTML).body.decode()


def test_head_has_no_body() -> None:
    answer = Visitor().ask("/", "HEAD", HTML)
    assert answer.status == 200 and answer.body == b"" and int(answer.header("content-length")) > 1000


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.1, "one second"),
        (1, "one second"),
        (1.2, "2 seconds"),
        (90, "90 seconds"),
        (91, "2 minutes"),
        (300, "5 minutes"),
    ],
)
def test_a_wait_in_words(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected
