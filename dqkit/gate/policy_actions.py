"""``actions:`` of a policy: whom the checkpoint tells, and the names of the variables that hold the secrets."""

import re
from collections.abc import Callable, Mapping

from dqkit.gate.policy import Action
from dqkit.rulebook.document import Node
from dqkit.rulebook.section import Section, close_to

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ADDRESS = re.compile(r"[^@\s,<>\"]+@[^@\s,<>\"]+")
_HOST = re.compile(r"[A-Za-z0-9.:-]+")
_SECRETS = ("webhook", "token", "password", "user", "login", "key", "api_key")
_WHEN = {"failure": False, "always": True}
_SECURITY = ("starttls", "tls", "none")
_PORTS = {"starttls": 587, "tls": 465, "none": 25}

Settings = Mapping[str, str | int | tuple[str, ...]]


def read_actions(section: Section) -> tuple[Action, ...]:
    """Read the list under ``actions``.

    Raises
    ------
    DqkitError
        An action is unknown or ill-formed, or holds a secret; the secret is not repeated.
    """
    node = section.take("actions")
    if node is None or node.value is None:
        return ()
    items = node.value if isinstance(node.value, tuple) else (node,)
    return tuple(_action(Section(item, "an action")) for item in items)


def _action(entry: Section) -> Action:
    kinds = entry.keys()
    if len(kinds) != 1:
        raise entry.error("names one thing", "slack: {webhook_env: SLACK_WEBHOOK, on: failure}")
    kind = kinds[0]
    if kind not in _KINDS:
        raise entry.mark.error(f"there is no action {kind!r}", close_to(kind, _KINDS, "actions"))
    inner = Section(entry.need(kind), f"the action {kind}")
    _refuse_secrets(inner)
    action = Action(kind, _WHEN[inner.choice("on", _WHEN, "failure")], _KINDS[kind](inner), entry.mark)
    inner.finish()
    return action


def _refuse_secrets(section: Section) -> None:
    for key in section.keys():  # noqa: SIM118 - a Section is no dict
        if key in _SECRETS:
            raise section.need(key).mark.error(
                f"{section.what} holds a secret: {key!r}",
                f"a policy is read by many: write {key}_env with the name of the environment variable that holds it",
            )


def _variable(section: Section, key: str) -> str:
    """Return the name of an environment variable; what is none may be the secret itself, and is not repeated."""
    node = section.need(key)
    if not isinstance(node.value, str) or not _VARIABLE.fullmatch(node.value):
        raise node.mark.error(f"{key!r} is no name of an environment variable", "such as SLACK_WEBHOOK")
    return node.value


def _webhook(section: Section) -> Settings:
    return {"webhook_env": _variable(section, "webhook_env")}


def _email(section: Section) -> Settings:
    security = section.choice("security", _SECURITY, "starttls")
    port = section.number("port", _PORTS[security])
    if port is None or not 0 < port < 65536 or port != int(port):  # noqa: PLR2004
        raise section.need("port").mark.error("'port' is a whole number below 65536")
    found: dict[str, str | int | tuple[str, ...]] = {
        "to": tuple(_address(node) for node in _list(section.need("to"))),
        "from": _address(section.need("from")),
        "server": _host(section.need("server")),
        "port": int(port),
        "security": security,
    }
    credentials = [key for key in ("user_env", "password_env") if section.take(key) is not None]
    if len(credentials) == 1:
        raise section.error(f"has {credentials[0]} alone", "a login takes user_env and password_env")
    return found | {key: _variable(section, key) for key in credentials}


def _list(node: Node) -> tuple[Node, ...]:
    return node.value if isinstance(node.value, tuple) else (node,)


def _address(node: Node) -> str:
    if not isinstance(node.value, str) or not _ADDRESS.fullmatch(node.value):
        raise node.mark.error(f"{node.word} is no e-mail address", "such as steward@hospital.example")
    return node.value


def _host(node: Node) -> str:
    if not isinstance(node.value, str) or not _HOST.fullmatch(node.value):
        raise node.mark.error(f"{node.word} is no name of a server", "such as smtp.hospital.example")
    return node.value


_KINDS: Mapping[str, Callable[[Section], Settings]] = {"slack": _webhook, "teams": _webhook, "email": _email}
