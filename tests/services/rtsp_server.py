"""An RTSP server on loopback (GStreamer's, through Debian's own Python): `rtsp_server.py PORT FILE` serves /live.

Runs under /usr/bin/python3, where the package gir1.2-gst-rtsp-server-1.0 belongs; each client sees FILE from its start.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402 - the versions come first


def main() -> None:
    """Serve until killed."""
    port, path = sys.argv[1:]
    codec = "h265" if path.endswith(".h265.mp4") else "h264"
    Gst.init(None)
    factory = GstRtspServer.RTSPMediaFactory()
    # Parameter sets go in the description only: repeated, this payloader would put them between a picture's slices.
    factory.set_launch(f"( filesrc location={path} ! qtdemux ! {codec}parse ! rtp{codec}pay name=pay0 )")
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    server.get_mount_points().add_factory("/live", factory)
    server.attach(None)
    GLib.MainLoop().run()


main()
