"""`yingbin edge run`."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="The camera box.")


@app.callback()
def _edge() -> None:
    """Keep `run` a sub-command although it is the only one."""


@app.command()
def run(
    config: Annotated[Path, typer.Option(help="Settings of this box, TOML.", dir_okay=False)],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")] = False,
) -> None:
    """Watch this box's cameras until stopped or, with files only, until they have ended."""
    asyncio.run(_run(config, as_json=as_json))


async def _run(config: Path, *, as_json: bool) -> None:
    import cv2

    from edge.agent import EdgeAgent
    from edge.memory import give_back, share_pools
    from edge.settings import EdgeSettings
    from yingbin import log
    from yingbin.faces.engine import FaceEngine
    from yingbin.faces.pack import ModelPack
    from yingbin.trust.devices import BoxBundle, DeviceKey
    from yingbin.trust.process import keep_in_memory

    log.configure("edge")
    keep_in_memory()
    share_pools()
    # Cameras share the cores; a pool of threads for each small image operation only costs.
    cv2.setNumThreads(1)
    settings = EdgeSettings.load(config)
    bundle, key = BoxBundle.load(settings.bundle_file), DeviceKey.load(settings.key_file)
    pack = ModelPack.load(settings.models_pack)
    agent = EdgeAgent(settings, FaceEngine.load(pack), bundle, key, pack.pack_id, pack.scores)
    give_back()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, agent.stop)
    try:
        await agent.run()
    finally:
        if as_json:
            typer.echo(json.dumps(agent.summary()))
