import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { writePng } from "../../device/capture/image.ts";
import { GIGE_ADDRESS, gigeNeeds, JUMBO_PACKET } from "../support/camera-gige.ts";
import { installLibcamera, libcameraNeeds } from "../support/camera-libcamera.ts";
import { gstNeeds, lacking, startPeer } from "../support/camera-peers.ts";
import { enterOwnNetwork } from "../support/own-network.ts";
import { bareAravis, bareGst } from "./cameras/bare.ts";
import type { CameraRow } from "./cameras/row.ts";

export { type CameraRow, describe } from "./cameras/row.ts";

const CHILD = new URL("./cameras/child.ts", import.meta.url).pathname;
const execute = promisify(execFile);

interface Options {
  /** Measured time of each row. */
  readonly seconds?: number | undefined;
  readonly progress?: (text: string) => void;
}

/** Measures every source that can run here, side by side with the bare tools on the same frames. */
export async function run({ seconds = 10, progress = () => {} }: Options): Promise<CameraRow[]> {
  enterOwnNetwork();
  const rows: CameraRow[] = [];
  const parts = [
    { kind: "gst", needs: gstNeeds, measure: gstRows },
    { kind: "gige", needs: gigeNeeds, measure: gigeRows },
    { kind: "libcamera", needs: libcameraNeeds, measure: libcameraRows },
  ];
  for (const { kind, needs, measure } of parts) {
    const missing = lacking(needs);
    if (missing !== false) progress(`${kind}: ${missing}`);
    else {
      for await (const row of measure(seconds)) {
        progress(row.source);
        rows.push(row);
      }
    }
  }
  return rows;
}

async function* gstRows(seconds: number): AsyncGenerator<CameraRow> {
  const live = "videotestsrc is-live=true pattern=ball ! video/x-raw,format=RGB,width=1280,height=720,framerate=30/1";
  const free = "videotestsrc pattern=black ! video/x-raw,format=RGB,width=1280,height=720,framerate=30/1";
  const source = (pipeline: string) => ({ kind: "gst", pipeline });
  const copies = "1 (the pipe)";
  yield await bareGst("gst-launch fakesink, 720p 30/s", live, seconds);
  yield await ours("gst, 720p 30/s", [source(live)], seconds, copies);
  yield await ours(
    "gst, four of 720p 30/s",
    [1, 2, 3, 4].map(() => source(live)),
    seconds,
    copies,
  );
  yield await ours("gst, 720p as fast as it goes", [source(free)], seconds, copies);
}

async function* gigeRows(seconds: number): AsyncGenerator<CameraRow> {
  const folder = mkdtempSync(join(tmpdir(), "gradeline-bench-"));
  const data = Uint8Array.from({ length: 1280 * 720 * 3 }, (_, at) => (at * 31) >> 8);
  await writePng(join(folder, "ramp.png"), { widthPx: 1280, heightPx: 720, data });
  const program = new URL("../support/camera-gige-server.ts", import.meta.url).pathname;
  // It shows the same picture ever again: one that draws each anew is too slow for a busy machine.
  const camera = await startPeer(process.execPath, [program, GIGE_ADDRESS, folder]);
  try {
    const size = `-f 60 -w 1280 -h 720 -i ${JUMBO_PACKET} -a --no-packet-socket`;
    const tool = `-n ${GIGE_ADDRESS} ${size} --features=PixelFormat=RGB8 --duration=${seconds + 30}`;
    yield await bareAravis("arv-camera-test, 720p RGB8 60/s", tool, seconds);
    const network = { kind: "gige", camera: GIGE_ADDRESS, packetSocket: false, packetSize: JUMBO_PACKET };
    const common = { ...network, fps: 60, roi: { w: 1280, h: 720 } };
    for (const [pixelFormat, copies] of [
      ["RGB8", "0"],
      ["Mono8", "1 (to three channels)"],
      ["BayerRG8", "1 (to three channels)"],
    ] as const) {
      yield await ours(`gige, 720p ${pixelFormat} 60/s`, [{ ...common, pixelFormat }], seconds, copies);
    }
  } finally {
    await camera.kill();
    rmSync(folder, { recursive: true });
  }
}

async function* libcameraRows(seconds: number): AsyncGenerator<CameraRow> {
  const folder = mkdtempSync(join(tmpdir(), "gradeline-bench-"));
  try {
    const env = { ...process.env, PATH: installLibcamera(folder, "rpicam") };
    const source = { kind: "libcamera", widthPx: 1280, heightPx: 720, fps: 30 };
    yield await ours("libcamera (stand-in), 720p 30/s", [source], seconds, "2 (the pipe, to RGB)", env);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function ours(
  source: string,
  configs: readonly object[],
  seconds: number,
  copies: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<CameraRow> {
  const { stdout } = await execute(process.execPath, [CHILD, String(seconds), JSON.stringify(configs)], { env });
  return { source, copies, ...JSON.parse(stdout) };
}
