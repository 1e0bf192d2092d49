import assert from "node:assert/strict";
import { test } from "node:test";
import { listGstCameras, parseFormats } from "../../../../device/capture/gst/list.ts";

/** In the form v4l2-ctl 1.22 prints; shortened. */
const PRINTED = `ioctl: VIDIOC_ENUM_FMT
	Type: Video Capture

	[0]: 'MJPG' (Motion-JPEG, compressed)
		Size: Discrete 1280x720
			Interval: Discrete 0.033s (30.000 fps)
			Interval: Discrete 0.067s (15.000 fps)
		Size: Discrete 640x480
			Interval: Discrete 0.033s (30.000 fps)
	[1]: 'YUYV' (YUYV 4:2:2)
		Size: Discrete 640x480
			Interval: Discrete 0.040s (25.000 fps)
`;

test("formats, sizes and rates are read from what v4l2-ctl prints", () => {
  assert.deepEqual(parseFormats(PRINTED), [
    "MJPG 1280x720 at 30, 15 fps",
    "MJPG 640x480 at 30 fps",
    "YUYV 640x480 at 25 fps",
  ]);
  assert.deepEqual(parseFormats("ioctl: VIDIOC_ENUM_FMT\n\tType: Video Capture\n"), []);
});

test("without GStreamer the search says what to install", async () => {
  const path = process.env.PATH;
  process.env.PATH = "/nonexistent";
  try {
    const { advice } = await listGstCameras();
    assert.match(advice.join("\n"), /apt-get install gstreamer1\.0-tools/);
  } finally {
    process.env.PATH = path;
  }
});
