"""The pages that the entry points `yingbin.pages` name."""

from importlib.metadata import entry_points

from fastapi import FastAPI

from yingbin.http import pages


def mount(app: FastAPI) -> None:
    """Serve every page at `/<name>/`."""
    pages.mount(app, {point.name: point.load()() for point in entry_points(group="yingbin.pages")})
