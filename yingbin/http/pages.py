"""Static pages, beside the assets they share."""

import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from yingbin import assets

_TYPES: Final = {
    ".webmanifest": "application/manifest+json",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}


class _Fresh(StaticFiles):
    """Files that the browser may keep but must ask about: an update of the server is an update of every page."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def mount(app: FastAPI, folders: Mapping[str, Path]) -> None:
    """Serve each folder at `/<name>/`, `index.html` at its root, and the shared assets at `/assets/`."""
    for suffix, kind in _TYPES.items():  # the system's table may say otherwise, or nothing
        mimetypes.add_type(kind, suffix)
    for name, folder in {**folders, "assets": assets.folder()}.items():
        app.mount(f"/{name}", _Fresh(directory=folder, html=True), name=name)
