"""`yingbin demo`."""

import json
import shutil
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from demo.run_folder import on_terminate, run_folder

app = typer.Typer(help="The whole chain on this machine.", invoke_without_command=True)


@app.callback()
def demo(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Stop at the end of the clip instead of playing it again.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line of stdout.")] = False,
    video: Annotated[str | None, typer.Option(help="A file, an rtsp:// address or a USB index.")] = None,
    enrol: Annotated[Path | None, typer.Option(help="A folder with one sub-folder of photos per person.")] = None,
    keep: Annotated[
        Path | None, typer.Option(help="Use this empty folder for databases and logs, and keep it.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the tablet page; 0 picks a free one.")] = 0,
) -> None:
    """Start province, two cities, a camera box and a tablet; enrol people; play a clip and show who is recognised."""
    from demo.show import Show, choose_play
    from yingbin.http.serve import bind

    play = choose_play(video, enrol)
    if port:
        bind("127.0.0.1", port).close()  # a taken port is an error now, not after everything has started
    signal.signal(signal.SIGTERM, on_terminate)
    console = Console(stderr=True)
    folder = run_folder(keep, "demo")
    try:
        report = Show(play, folder, console, once=once, port=port).run()
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    console.print(f"\n{_closing_words(report)}", highlight=False)
    if as_json:
        sys.stdout.write(json.dumps(report, ensure_ascii=False) + "\n")
        sys.stdout.flush()


def _closing_words(report: dict[str, Any]) -> str:
    if not report["alerts"]:
        return f"Nobody enrolled was seen; {report['non_matches']} passers-by searched for and forgotten."
    return (
        f"{len(report['alerts'])} cards; {report['non_matches']} passers-by searched for and forgotten; "
        f"{report['bytes_per_event']:.0f} bytes a face event\n"
        f"card on the tablet {report['shot_to_card_p50_ms']:.0f} ms after the shot it rests on (median), "
        f"{report['time_to_card_p95_ms']:.0f} ms after the face was high enough (p95; 0: it was there before)"
    )
