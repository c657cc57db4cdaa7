"""Actions of the checkpoint tell people, by receivers on this machine; they never change a verdict."""

import email
import json
import socketserver
import threading
from collections.abc import Iterator
from email.message import Message as Mail
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from dqkit.audit import verdict
from dqkit.gate.result import GateResult
from tests.gate.conftest import PLANTED, Archive, judge

PASSES = "allow: [{rules: GEO, at_most: any}]\n"


class Receiver:
    """Takes what is posted; answers with `status`."""

    def __init__(self, status: int = 200) -> None:
        self.posts: list[dict[str, Any]] = []
        posts = self.posts

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                posts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/SECRETPATH"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    receiver = Receiver()
    monkeypatch.setenv("HOOK", receiver.url)
    yield receiver
    receiver.close()


class _Mailbox(socketserver.StreamRequestHandler):
    """Enough of RFC 5321 for a client that sends one mail."""

    mails: list[Mail]

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper().strip()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = iter(self.rfile.readline, b".\r\n")
                self.mails.append(email.message_from_bytes(b"".join(lines)))
                self.wfile.write(b"250 taken\r\n")
            elif word == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 ok\r\n")


@pytest.fixture
def mailbox() -> Iterator[tuple[int, list[Mail]]]:
    mails: list[Mail] = []
    handler = type("Mailbox", (_Mailbox,), {"mails": mails})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], mails
        server.shutdown()


def actions(*lines: str) -> str:
    return "actions:\n" + "".join(f"  - {line}\n" for line in lines)


def texts_of(found: Any) -> str:
    return json.dumps(found, ensure_ascii=False)


@pytest.mark.parametrize("kind", ["slack", "teams"])
def test_a_closed_gate_is_told_in_its_own_words(kind: str, hook: Receiver, archive: Archive) -> None:
    result = judge(archive.opened(), actions(f"{kind}: {{webhook_env: HOOK}}"))
    assert result.judgement.exit_code == 1
    assert [(one.kind, one.sent, one.error) for one in result.actions] == [(kind, True, "")]
    (post,) = hook.posts
    said = texts_of(post)
    assert "dqkit gate test: The gate is closed" in said
    assert "GEO-003 Slices are missing from the volume (south)" in said
    assert "greatexpectations" not in said, "nothing of other hosts"
    assert not [planted for planted in PLANTED if planted in said]


def test_teams_gets_an_adaptive_card(hook: Receiver, archive: Archive) -> None:
    judge(archive.opened(), actions("teams: {webhook_env: HOOK}"))
    (attachment,) = hook.posts[0]["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert {block["type"] for block in attachment["content"]["body"]} == {"TextBlock"}


def test_a_mail_has_the_verdict_as_its_subject(mailbox: tuple[int, list[Mail]], archive: Archive) -> None:
    port, mails = mailbox
    entry = f"to: [ada@a.example, bo@b.example], from: dqkit@c.example, server: 127.0.0.1, port: {port}, security: none"
    result = judge(archive.opened(), actions(f"email: {{{entry}}}"))
    assert [(one.sent, one.error) for one in result.actions] == [(True, "")]
    (mail,) = mails
    assert (mail["To"], mail["From"]) == ("ada@a.example, bo@b.example", "dqkit@c.example")
    assert mail["Subject"] == "dqkit gate test: The gate is closed"
    (body,) = mail.get_payload()
    assert isinstance(body, Mail)
    text = body.get_payload(decode=True)
    assert isinstance(text, bytes)
    assert b"GEO-003" in text
    assert not [planted for planted in PLANTED if planted.encode() in text]


def test_an_open_gate_is_told_where_it_is_asked_for_alone(hook: Receiver, archive: Archive) -> None:
    both = actions("slack: {webhook_env: HOOK}", "teams: {webhook_env: HOOK, on: always}")
    result = judge(archive.opened(), PASSES + both)
    assert result.judgement.exit_code == 0
    assert [(one.kind, one.sent, one.error) for one in result.actions] == [("slack", False, ""), ("teams", True, "")]
    assert len(hook.posts) == 1
    assert "The gate is open" in texts_of(hook.posts)


def test_a_milder_rule_that_fails_is_no_failure_of_the_gate(hook: Receiver, archive: Archive) -> None:
    result = judge(
        archive.opened(), "allow: [{rules: GEO-003, at_most: any}]\n" + actions("slack: {webhook_env: HOOK}")
    )
    assert {rule for rule, _ in result.judgement.failing} == {"GEO-025"}
    assert (result.judgement.exit_code, hook.posts) == (0, [])


def test_the_message_is_said_in_the_language_asked_for(hook: Receiver, archive: Archive) -> None:
    judge(archive.opened(), actions("slack: {webhook_env: HOOK}"), lang="zh")
    assert "不予放行" in texts_of(hook.posts)
    assert "体数据缺失层面" in texts_of(hook.posts)


def failed(result: GateResult) -> str:
    (one,) = result.actions
    assert not one.sent
    assert result.judgement.exit_code == 1, "the verdict stands"
    assert result.deciding == (("GEO-003", "", "south"),)
    return one.error


@pytest.mark.parametrize("kind", ["slack", "teams"])
def test_one_that_refuses_is_told_without_its_secret(
    kind: str, archive: Archive, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    receiver = Receiver(500)
    monkeypatch.setenv("HOOK", receiver.url)
    error = failed(judge(archive.opened(), actions(f"{kind}: {{webhook_env: HOOK}}")))
    receiver.close()
    assert error == "not delivered"
    assert len(receiver.posts) == 1
    assert "SECRETPATH" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    "action",
    [
        "slack: {webhook_env: HOOK}",
        "teams: {webhook_env: HOOK}",
        "email: {to: a@b.example, from: a@b.example, server: 127.0.0.1, port: 1, security: none}",
        "email: {to: a@b.example, from: a@b.example, server: 127.0.0.1, port: 1, security: starttls}",
    ],
)
def test_one_that_is_not_there(
    action: str, archive: Archive, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOOK", "http://127.0.0.1:1/SECRETPATH")
    assert failed(judge(archive.opened(), actions(action))) == "not delivered"
    assert "SECRETPATH" not in "".join(capfd.readouterr())


def test_a_webhook_that_is_no_url(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "SECRETPATH")
    error = failed(judge(archive.opened(), actions("slack: {webhook_env: HOOK}")))
    assert error == "MissingSchema"


def test_a_variable_that_is_not_set(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOOK", raising=False)
    assert failed(judge(archive.opened(), actions("slack: {webhook_env: HOOK}"))) == "HOOK is not set"


def test_one_that_never_answers_does_not_hold_the_gate_up(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler, bind_and_activate=True) as silent:
        monkeypatch.setenv("HOOK", f"http://127.0.0.1:{silent.server_address[1]}/")  # takes the call, says nothing
        monkeypatch.setattr(verdict, "_PATIENCE_S", 0.3)
        assert failed(judge(archive.opened(), actions("slack: {webhook_env: HOOK}"))) == "no answer within 0.3 s"
