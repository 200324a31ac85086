"""The admin pages, at `/admin/`: static files that speak to the public API with the token of whoever signed in."""

from pathlib import Path

from fastapi import FastAPI

from yingbin.http import pages


def folder() -> Path:
    """Return the folder of static files; `index.html` is the page."""
    return Path(__file__).parent / "page"


def mount(app: FastAPI) -> None:
    """Serve the admin pages."""
    pages.mount(app, {"admin": folder()})
