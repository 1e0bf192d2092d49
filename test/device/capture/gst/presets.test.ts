import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gstArguments } from "../../../../device/capture/gst/arguments.ts";
import { openGst } from "../../../../device/capture/gst/open-gst.ts";
import type { LiveSource } from "../../../../device/capture/live/live-source.ts";
import { gstSchema } from "../../../../device/config/camera.ts";
import { gstNeeds, hasElement, lacking, readFrames } from "../../../support/camera-peers.ts";

/** No camera is at hand: GStreamer itself builds and runs what the presets say, with what can stand in for a camera. */
const folder = mkdtempSync(join(tmpdir(), "gradeline-presets-"));
const calls = join(folder, "calls");
const opened: LiveSource[] = [];

before(() => {
  process.env.GST_PLUGIN_PATH = new URL("../../../support/gst-jetson", import.meta.url).pathname;
  // The stand-ins must not be remembered for other programs.
  process.env.GST_REGISTRY = join(folder, "registry");
  process.env.STAND_IN_CALLS = calls;
});
after(async () => {
  for (const source of opened) await source.close();
  rmSync(folder, { recursive: true });
});

async function open(config: object): Promise<LiveSource> {
  const source = await openGst(gstSchema.parse({ kind: "gst", ...config }));
  opened.push(source);
  return source;
}

const controls = { white_balance_automatic: 0, exposure_absolute: 20 };
const size = { widthPx: 160, heightPx: 120, fps: 25 };
const usb = [
  { encoding: "raw", camera: "videotestsrc is-live=true ! capsfilter caps=video/x-raw,format=YUY2" },
  { encoding: "mjpeg", camera: "videotestsrc is-live=true ! jpegenc" },
  { encoding: "bayer", camera: "videotestsrc is-live=true ! rgb2bayer" },
];
for (const { encoding, camera } of usb) {
  test(`the usb preset for ${encoding} is built up to the missing device`, { skip: lacking(gstNeeds) }, async () => {
    await assert.rejects(open({ preset: "usb", device: "/dev/video98", encoding, controls, ...size }), {
      code: "SOURCE",
      message: /Cannot identify device '\/dev\/video98'/,
      retry: true,
    });
  });

  test(`what follows on the usb preset's ${encoding} camera gives its frames`, {
    skip: lacking(gstNeeds),
  }, async () => {
    const words = gstArguments(gstSchema.parse({ kind: "gst", preset: "usb", encoding, controls, ...size }));
    const pipeline = [camera, ...words.slice(words.indexOf("!"), words.indexOf("videoconvert") - 1)].join(" ");
    const source = await open({ pipeline });
    await readFrames(source, 3, ({ widthPx, heightPx, data }) => {
      assert.deepEqual([widthPx, heightPx], [160, 120]);
      // Of the test picture's bars the second is yellow and the seventh blue.
      const [yellow, blue] = [34, 149].map((x) => [...data.subarray((20 * 160 + x) * 3, (20 * 160 + x) * 3 + 3)]);
      assert.ok(yellow![0]! > 180 && yellow![1]! > 180 && yellow![2]! < 60, `yellow is ${yellow}`);
      assert.ok(blue![0]! < 60 && blue![1]! < 60 && blue![2]! > 180, `blue is ${blue}`);
    });
    await source.close();
  });
}

const python = { have: () => hasElement("nvarguscamerasrc")(), debian: "gstreamer1.0-python3-plugin-loader" };
test("the csi preset runs with elements of the names, properties and pads that NVIDIA documents", async (t) => {
  const missing = lacking([...gstNeeds, python]);
  if (missing !== false) return t.skip(missing);
  const light = { whiteBalanceMode: "daylight", exposureUs: 2000, gain: 2.5 };
  const source = await open({ preset: "csi", sensor: 1, ...light, ...size, fps: 59.94, startMs: 30_000 });
  await readFrames(source, 3, ({ widthPx, heightPx, data }) => {
    assert.deepEqual([widthPx, heightPx], [160, 120]);
    // BGRx of the stand-in, the right way round.
    assert.deepEqual([...data.subarray(0, 3)], [10, 20, 30]);
  });
  await source.close();
  assert.deepEqual(JSON.parse(readFileSync(calls, "utf8")), {
    "sensor-id": 1,
    wbmode: 5,
    exposuretimerange: "2000000 2000000",
    gainrange: "2.5 2.5",
    aelock: true,
  });
});
