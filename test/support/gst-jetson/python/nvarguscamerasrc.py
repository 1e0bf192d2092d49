"""
Stands in for `nvarguscamerasrc` of a Jetson where there is no Jetson: the name, the properties and the pads that NVIDIA documents (L4T
Accelerated GStreamer Guide), no more. GStreamer finds it by GST_PLUGIN_PATH. STAND_IN_CALLS names a file that gets its
properties when it starts, as JSON.
"""
import json
import os

import gi

gi.require_version("GstBase", "1.0")
from gi.repository import GLib, GObject, Gst, GstBase  # noqa: E402

Gst.init_python()
SIZES = "width=[1,2147483647], height=[1,2147483647], framerate=[0/1,120/1]"
NVMM = Gst.Caps.from_string(f"video/x-raw(memory:NVMM), format=NV12, {SIZES}")


class Source(GstBase.BaseSrc):
    __gstmetadata__ = ("NvArgusCameraSrc", "Video/Capture", "stand-in", "gradeline")
    __gsttemplates__ = Gst.PadTemplate.new("src", Gst.PadDirection.SRC, Gst.PadPresence.ALWAYS, NVMM)

    sensor_id = GObject.Property(type=int, default=0, minimum=0, maximum=255)
    wbmode = GObject.Property(type=int, default=1, minimum=0, maximum=9)
    exposuretimerange = GObject.Property(type=str, default=None)
    gainrange = GObject.Property(type=str, default=None)
    aelock = GObject.Property(type=bool, default=False)

    def __init__(self):
        super().__init__()
        self.set_live(True)
        self.set_do_timestamp(True)
        self.set_format(Gst.Format.TIME)
        self.count = 0

    def do_start(self):
        names = ["sensor-id", "wbmode", "exposuretimerange", "gainrange", "aelock"]
        with open(os.environ["STAND_IN_CALLS"], "w", encoding="utf-8") as calls:
            json.dump({name: self.get_property(name) for name in names}, calls)
        return True

    def do_set_caps(self, caps):
        structure = caps.get_structure(0)
        self.size = structure.get_int("width").value, structure.get_int("height").value
        return True

    def do_create(self, _offset, _length, _buffer):
        GLib.usleep(10_000)
        width, height = self.size
        buffer = Gst.Buffer.new_wrapped(bytes(width * height * 3 // 2))
        buffer.offset = self.count
        self.count += 1
        return Gst.FlowReturn.OK, buffer


GObject.type_register(Source)
__gstelementfactory__ = ("nvarguscamerasrc", Gst.Rank.NONE, Source)
