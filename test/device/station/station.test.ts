import assert from "node:assert/strict";
import { mkdir, readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import sharp from "sharp";
import { recordFrames } from "../../../device/capture/recording.ts";
import { openReplay } from "../../../device/capture/replay.ts";
import { type ConfigInput, lineSchema, replaySchema } from "../../../device/config/schema.ts";
import type { HealthMessage } from "../../../device/contract/messages.ts";
import { openLine } from "../../../device/simulation/source.ts";
import { Board, isWell } from "../../support/board.ts";
import { Daemon } from "../../support/daemon.ts";
import { assertNumbered, verdictsOf, withoutRepeats, wrongs } from "../../support/daemon-verdicts.ts";
import { truthOf } from "../../support/line-config.ts";

const board = Board.forEachTest("aedes");

/** The configuration with other frames for one camera. */
function instead(config: ConfigInput, id: string, source: ConfigInput["cameras"][number]["source"]): ConfigInput {
  return { ...config, cameras: config.cameras.map((camera) => (camera.id === id ? { id, source } : camera)) };
}

test("recordings played to their end: every fruit is graded, all is handed over, the daemon ends with 0", async () => {
  const path = join(board.folder, "recorded");
  const simulated = board.line({ pace: "fast", startAt: 1_700_000_000_000_000, items: 10 });
  for (const { id, source } of simulated.cameras) {
    const parsed = lineSchema.parse(source);
    const opened = await openLine(parsed);
    await recordFrames(opened, join(path, id));
    await opened.close();
  }
  const config = {
    ...simulated,
    cameras: simulated.cameras.map(({ id }) => ({
      id,
      source: { kind: "replay" as const, path: join(path, id), pace: "fast" as const },
    })),
  };
  const daemon = await board.start(config);
  assert.deepEqual(await daemon.ended, { code: 0, signal: null });
  await board.ears.until(() => (board.states.at(-1)?.state === "stopped" ? true : undefined));
  const verdicts = verdictsOf(board.ears);
  assert.deepEqual(wrongs(verdicts, truthOf(simulated, 1000)), []);
  assertNumbered(verdicts);
  assert.ok(verdicts.some(({ outcome }) => outcome === "graded" || outcome === "unknown"));
  // Frames that were exposed long ago are no sign of a camera that is away.
  assert.ok(board.states.every((state) => state.state === "stopped" || isWell(state)));
  assert.deepEqual(daemon.errors, []);
});

test("what a camera of the daemon gave last is kept in a ring within its bound, and plays", async () => {
  const ring = join(board.folder, "ring");
  const config = board.line({ pace: "fast", startAt: 1_700_000_000_000_000, items: 4 });
  const maxBytes = 2 * 1024 * 1024;
  const cameras = config.cameras.map((camera) => ({ ...camera, record: { path: ring, maxBytes, maxAgeS: 1e6 } }));
  const daemon = await board.start({ ...config, cameras });
  assert.deepEqual(await daemon.ended, { code: 0, signal: null });
  for (const { id } of cameras) {
    const [name] = await readdir(join(ring, id));
    const path = join(ring, id, name!);
    const source = await openReplay(replaySchema.parse({ kind: "replay", path, pace: "fast" }));
    let frames = 0;
    for await (const frame of source.frames()) {
      frames++;
      assert.deepEqual([frame.widthPx, frame.heightPx], [480, 160]);
    }
    assert.ok(frames > 0 && frames * 480 * 160 * 3 <= maxBytes, `${frames} frames`);
  }
  assert.deepEqual(daemon.errors, []);
});

test("a camera that breaks is told with its reason, the other lane goes on, and when it is back all is well again", async () => {
  const frames = join(board.folder, "frames");
  const away = join(board.folder, "away");
  await mkdir(frames);
  // Each with a noise of its own: frames that are the same to the bit are told as a frozen camera.
  for (const name of ["1.png", "2.png", "3.png"]) {
    const noise = { type: "gaussian" as const, mean: 68, sigma: 4 };
    const grey = sharp({ create: { width: 480, height: 160, channels: 3, background: "#444", noise } });
    await grey.png().toFile(join(frames, name));
  }
  const config = instead(board.line({ pace: "real" }), "belt", { kind: "replay", path: frames, fps: 12, loop: true });
  const daemon = await board.start(config);
  await daemon.ready();
  await board.ears.until(() => board.states.find(isWell));
  await rename(frames, away);
  const broken = await board.ears.until(() => board.states.find((state) => !isWell(state)));
  assert.match(broken.reasons[0]!, /^camera belt: .*frames/);
  const cups = board.ears.on("cups/verdict").length;
  await board.ears.count("cups/verdict", cups + 3);
  assert.equal(board.states.at(-1)!.state, "degraded");
  const refused = board.ears.until(() => board.ears.json("response/snapshot")[0]);
  await board.ears.ask("gradeline/board/request/snapshot", JSON.stringify({ camera: "belt" }));
  assert.equal(((await refused).error as { code: string }).code, "SOURCE");
  await rename(away, frames);
  await board.ears.until(() => (isWell(board.states.at(-1)!) ? true : undefined));
  const seen = (): number => {
    const health = board.ears.json("board/health").at(-1) as unknown as HealthMessage;
    return health.cameras.find(({ id }) => id === "belt")!.seen;
  };
  const before = seen();
  await board.ears.until(() => (seen() > before ? true : undefined));
  assert.deepEqual(await daemon.kill("SIGTERM"), { code: 0, signal: null });
  const verdicts = withoutRepeats(verdictsOf(board.ears));
  assertNumbered(verdicts);
  assert.ok(verdicts.every(({ lane }) => lane === "cups"));
});

test("a camera whose source cannot be opened at all degrades the line, and the other lane grades", async () => {
  const nowhere = join(board.folder, "nowhere");
  const config = instead(board.line({ pace: "real" }), "belt", { kind: "replay", path: nowhere, fps: 12 });
  const daemon = await board.start(config);
  await daemon.ready();
  const { causes } = await board.ears.until(() => board.states.find((state) => !isWell(state)));
  assert.deepEqual([causes[0]!.code, causes[0]!.camera], ["camera-away", "belt"]);
  assert.match(causes[0]!.message, /nowhere/);
  await board.ears.count("cups/verdict", 3);
  assert.deepEqual(await daemon.kill("SIGTERM"), { code: 0, signal: null });
});

test("where no camera can be opened there is no line: the daemon ends with 1, the camera's name and what to do", async () => {
  let config = board.line({ pace: "real" });
  for (const id of ["belt", "cups"]) {
    config = instead(config, id, { kind: "replay", path: join(board.folder, "nowhere", id), fps: 12 });
  }
  const { code, text } = await Daemon.toTheEnd(board.folder, config);
  assert.equal(code, 1);
  assert.match(text, /camera belt.*no folder .*nowhere/);
  assert.match(text, /camera cups/);
  assert.match(text, /`path`/);
});
