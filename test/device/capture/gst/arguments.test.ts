import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { gstArguments, splitPipeline } from "../../../../device/capture/gst/arguments.ts";
import { gstSchema } from "../../../../device/config/camera.ts";
import { gstNeeds, lacking } from "../../../support/camera-peers.ts";

const TAIL =
  "! videoconvert ! video/x-raw,format=RGB ! queue leaky=downstream max-size-buffers=2 max-size-bytes=0 max-size-time=0 ! gdppay ! fdsink fd=3 sync=false";

function source(config: object, password?: string): string {
  const words = gstArguments(gstSchema.parse({ kind: "gst", ...config }), password).join(" ");
  assert.ok(words.startsWith("-q ") && words.endsWith(TAIL), words);
  return words.slice(3, -TAIL.length - 1);
}

test("a USB camera is opened with its format and fixed controls", () => {
  assert.equal(source({ preset: "usb" }), "v4l2src device=/dev/video0 ! video/x-raw");
  const config = {
    preset: "usb",
    device: "/dev/v4l/by-id/usb-Cam-index0",
    encoding: "mjpeg",
    widthPx: 1280,
    heightPx: 720,
    fps: 30,
    controls: { white_balance_automatic: 0, white_balance_temperature: 4600 },
  };
  assert.equal(
    source(config),
    "v4l2src device=/dev/v4l/by-id/usb-Cam-index0 extra-controls=controls,white_balance_automatic=0,white_balance_temperature=4600 ! image/jpeg,width=1280,height=720,framerate=30/1 ! jpegdec",
  );
});

test("a video's path may hold anything, and its frames come at their own pace", () => {
  assert.equal(
    source({ preset: "file", path: 'a b!".mp4', fps: 25 }),
    'filesrc location="a b!\\".mp4" ! decodebin ! videoconvert ! videoscale ! videorate ! video/x-raw,framerate=25/1 ! identity sync=true',
  );
  assert.match(gstSchema.safeParse({ kind: "gst", preset: "file" }).error!.message, /needs the path of a video/);
});

test("a Jetson's camera keeps exposure, gain and white balance where they are set", () => {
  assert.equal(
    source({ preset: "csi", sensor: 1, whiteBalanceMode: "daylight", exposureUs: 2000, gain: 2, fps: 59.94 }),
    'nvarguscamerasrc sensor-id=1 wbmode=5 exposuretimerange="2000000 2000000" gainrange="2 2" aelock=true ! video/x-raw(memory:NVMM),width=1280,height=720,framerate=60000/1001,format=NV12 ! nvvidconv ! video/x-raw,format=BGRx',
  );
});

test("a network camera's login is quoted, whatever it holds", () => {
  assert.equal(
    source({ preset: "rtsp", url: "rtsp://10.0.0.9:554/live", username: "line" }, 'a"b ! filesink \\'),
    'rtspsrc location="rtsp://10.0.0.9:554/live" protocols=tcp latency=100 drop-on-latency=true user-id="line" user-pw="a\\"b ! filesink \\\\" ! decodebin ! videoconvert ! videoscale ! video/x-raw',
  );
});

test("GStreamer itself reads a quoted value back whole", { skip: lacking(gstNeeds) }, () => {
  const words = gstArguments(
    gstSchema.parse({ kind: "gst", preset: "rtsp", url: "rtsp://127.0.0.1:1/x" }),
    'p"; touch x ! fakesink $(id) \\',
  );
  const { stderr } = spawnSync("gst-launch-1.0", words, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  assert.match(stderr, /Failed to connect/, "the pipeline was built and only the camera is missing");
});

test("a pipeline is cut at spaces outside of quotes", () => {
  assert.deepEqual(splitPipeline("  videotestsrc  pattern=ball\n ! queue "), [
    "videotestsrc",
    "pattern=ball",
    "!",
    "queue",
  ]);
  assert.deepEqual(splitPipeline('filesrc location="/a b/\\"c" ! x caps="a, b=1"'), [
    "filesrc",
    'location="/a b/\\"c"',
    "!",
    "x",
    'caps="a, b=1"',
  ]);
});

test("a quote left open is refused before anything runs", () => {
  assert.throws(() => splitPipeline('filesrc location="/a b'), { code: "CONFIG", message: /quote is left open/ });
});

test("keys of another preset, both or neither of preset and pipeline, and a login in the url are refused", () => {
  const cases = [
    {},
    { preset: "test", pipeline: "videotestsrc" },
    { preset: "usb", url: "rtsp://a/b" },
    { preset: "rtsp" },
    { preset: "rtsp", url: "rtsp://user:secret@host/x" },
    { preset: "rtsp", url: 'rtsp://host/x" ! filesink' },
    { preset: "usb", device: "/dev/../etc/passwd ! x" },
    { preset: "usb", controls: { "a=1,b": 1 } },
  ];
  for (const config of cases)
    assert.equal(gstSchema.safeParse({ kind: "gst", ...config }).success, false, JSON.stringify(config));
});
