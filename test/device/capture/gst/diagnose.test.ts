import assert from "node:assert/strict";
import { test } from "node:test";
import { diagnose, packageOf } from "../../../../device/capture/gst/diagnose.ts";

/** Written by gst-launch-1.0 1.22, but for the busy device: no camera is at hand; that one follows v4l2_calls.c. */
const cases = [
  {
    said: ['WARNING: erroneous pipeline: no element "v4l2src"'],
    message: /no element "v4l2src"/,
    hint: /install gstreamer1\.0-plugins-good/,
    retry: false,
  },
  {
    said: ['WARNING: erroneous pipeline: no property "patern" in element "videotestsrc"'],
    message: /no property "patern"/,
    hint: /gst-inspect-1\.0 videotestsrc/,
    retry: false,
  },
  {
    said: [
      "ERROR: from element /GstPipeline:pipeline0/GstV4l2Src:v4l2src0: Device '/dev/video0' is busy",
      "Additional debug info:",
      "../sys/v4l2/gstv4l2object.c(3801): gst_v4l2_object_set_format_full (): /GstPipeline:pipeline0/GstV4l2Src:v4l2src0:",
      "Call to S_FMT failed for YUYV @ 1280x720: Device or resource busy",
    ],
    message: /'\/dev\/video0' is busy/,
    hint: /fuser -v/,
    retry: true,
  },
  {
    said: [
      "ERROR: from element /GstPipeline:pipeline0/GstV4l2Src:v4l2src0: Cannot identify device '/dev/video9'.",
      "system error: No such file or directory",
    ],
    message: /Cannot identify device.*\(system error: No such file or directory\)/,
    hint: /check the cable/,
    retry: true,
  },
  {
    said: ["ERROR: from element /GstPipeline:pipeline0/GstV4l2Src:v4l2src0: Internal data stream error."],
    message: /Internal data stream error/,
    hint: /v4l2-ctl --list-formats-ext/,
    retry: true,
  },
  { said: [], message: /code 139: nothing on its standard error/, hint: undefined, retry: true },
];

for (const { said, message, hint, retry } of cases) {
  test(`gst-launch's "${said[0] ?? "silence"}" is explained`, () => {
    const error = diagnose(said, 139);
    assert.equal(error.code, "SOURCE");
    assert.match(error.message, message);
    assert.equal(error.retry, retry);
    if (hint === undefined) assert.equal(error.hint, undefined);
    else assert.match(error.hint ?? "", hint);
  });
}

test("elements are named with the package that has them", () => {
  assert.equal(packageOf("videoconvert"), "gstreamer1.0-plugins-base");
  assert.equal(packageOf("rtph264depay"), "gstreamer1.0-plugins-good");
  assert.equal(packageOf("bayer2rgb"), "gstreamer1.0-plugins-bad");
  assert.equal(packageOf("avdec_h264"), "gstreamer1.0-libav");
  assert.match(packageOf("nvarguscamerasrc") ?? "", /JetPack/);
  assert.equal(packageOf("videotestsrx"), undefined);
});
