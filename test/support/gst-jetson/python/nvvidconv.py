"""
Stands in for `nvvidconv` of a Jetson where there is no Jetson: the name, the properties and the pads that NVIDIA documents (L4T
Accelerated GStreamer Guide), no more. GStreamer finds it by GST_PLUGIN_PATH.
"""
import gi

gi.require_version("GstBase", "1.0")
from gi.repository import GObject, Gst, GstBase  # noqa: E402

Gst.init_python()
SIZES = "width=[1,2147483647], height=[1,2147483647], framerate=[0/1,120/1]"
NVMM = Gst.Caps.from_string(f"video/x-raw(memory:NVMM), format=NV12, {SIZES}")
PLAIN = Gst.Caps.from_string(f"video/x-raw, format=BGRx, {SIZES}")


def size_of(caps):
    structure = caps.get_structure(0)
    return structure.get_int("width").value, structure.get_int("height").value


class Convert(GstBase.BaseTransform):
    __gstmetadata__ = ("NvVidConv", "Filter/Converter/Video", "stand-in", "gradeline")
    __gsttemplates__ = (
        Gst.PadTemplate.new("sink", Gst.PadDirection.SINK, Gst.PadPresence.ALWAYS, NVMM),
        Gst.PadTemplate.new("src", Gst.PadDirection.SRC, Gst.PadPresence.ALWAYS, PLAIN),
    )

    def do_transform_caps(self, direction, caps, wanted):
        to = PLAIN if direction == Gst.PadDirection.SINK else NVMM
        result = Gst.Caps.new_empty()
        for index in range(caps.get_size()):
            structure = caps.get_structure(index).copy()
            structure.set_value("format", to.get_structure(0).get_string("format"))
            features = None if to is PLAIN else Gst.CapsFeatures.from_string("memory:NVMM")
            result.append_structure_full(structure, features)
        return result.intersect(wanted) if wanted else result

    def do_set_caps(self, _in_caps, out_caps):
        self.size = size_of(out_caps)
        return True

    def do_get_unit_size(self, caps):
        width, height = size_of(caps)
        return True, width * height * 4 if caps.can_intersect(PLAIN) else width * height * 3 // 2

    def do_transform_size(self, _direction, _caps, _size, to):
        return self.do_get_unit_size(to)

    def do_transform(self, _in_buffer, out_buffer):
        width, height = self.size
        out_buffer.fill(0, bytes((30, 20, 10, 0)) * (width * height))
        return Gst.FlowReturn.OK


GObject.type_register(Convert)
__gstelementfactory__ = ("nvvidconv", Gst.Rank.NONE, Convert)
