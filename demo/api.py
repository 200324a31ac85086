"""A thin client of the servers' public HTTP interfaces."""

from typing import Any, Self

import httpx

from yingbin.errors import InvalidInput, NotAuthenticated, Unavailable


class Refused(InvalidInput):
    """A server refused a request; the message is its own."""

    code = "refused"


class Api:
    """Calls one server; errors become ours with the server's sentence."""

    def __init__(self, url: str) -> None:
        # Loopback: never through a proxy that the environment happens to name.
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def use_token(self, token: str) -> None:
        """Send this token from now on."""
        self._client.headers["Authorization"] = f"Bearer {token}"

    def call(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        """Return the JSON body, {} when there is none. Raises `Refused`, `NotAuthenticated`, `Unavailable`."""
        try:
            answer = self._client.request(method, path, **content)
        except httpx.TransportError as error:
            raise Unavailable(f"{method} {path}: no answer ({type(error).__name__})") from error
        body: dict[str, Any] = answer.json() if answer.content else {}
        if answer.is_success:
            return body
        sentence = str(body.get("detail", answer.reason_phrase))
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.TOO_MANY_REQUESTS):
            raise NotAuthenticated(sentence)
        if answer.is_server_error:
            raise Unavailable(f"{method} {path}: {sentence}")
        raise Refused(sentence)
