"""What commands need that speak to a running province: signing in, and calls whose refusals are one clear line."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from yingbin.errors import BadConfiguration, Unavailable
from yingbin.settings import is_loopback

if TYPE_CHECKING:
    import httpx

DEFAULT_URL: Final = "http://127.0.0.1:8100"
Url = Annotated[str, typer.Option("--url", help="the province server")]
_PASSWORD_VARIABLE = "YINGBIN_STAFF_PASSWORD"  # noqa: S105  # the name of a variable, not a password


@contextmanager
def signed_in(url: str, staff_id: str) -> Iterator["httpx.Client"]:
    """Open a client that sends the token of a member of staff.

    The password comes from the environment variable YINGBIN_STAFF_PASSWORD, or is asked for on stdin.
    """
    import httpx

    password = os.environ.get(_PASSWORD_VARIABLE)
    if password is None:
        on_terminal = sys.stdin.isatty()
        password = typer.prompt("Password", hide_input=True) if on_terminal else sys.stdin.readline().rstrip("\n")
    on_loopback = is_loopback(httpx.URL(url).host)  # then never through a proxy that the environment names
    with httpx.Client(base_url=url, timeout=30, trust_env=not on_loopback) as http:
        token = call(http, "POST", "/v1/sessions", json={"staff_id": staff_id, "password": password})["token"]
        http.headers["Authorization"] = f"Bearer {token}"
        yield http


def call(http: "httpx.Client", method: str, path: str, **options: Any) -> Any:
    """Return the JSON of an answer, None when it has none. Raises `Unavailable`, or `BadConfiguration` when refused."""
    import httpx

    try:
        reply = http.request(method, path, **options)
    except httpx.HTTPError as error:
        raise Unavailable(f"the province at {http.base_url} does not answer: {type(error).__name__}") from error
    if reply.is_error:
        raise BadConfiguration(f"the province refuses: {reply.json().get('detail', reply.status_code)}")
    return reply.json() if reply.content else None
