import assert from "node:assert/strict";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import pino from "pino";
import type { Frame } from "../../../device/base/frame.ts";
import { writePng } from "../../../device/capture/image.ts";
import { recordFrames } from "../../../device/capture/recording.ts";
import { openReplay } from "../../../device/capture/replay.ts";
import type { FrameSource } from "../../../device/capture/source.ts";
import { lineSchema, replaySchema } from "../../../device/config/schema.ts";
import { openLine } from "../../../device/simulation/source.ts";
import { frameSourceContract } from "../../support/frame-source-contract.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const root = await mkdtemp(join(tmpdir(), "gradeline-replay-"));
const folder = join(root, "folder");
const recording = join(root, "recording");

/** A grey picture whose level is the number of its frame. */
function picture(level: number, widthPx = 8, heightPx = 6): { widthPx: number; heightPx: number; data: Uint8Array } {
  return { widthPx, heightPx, data: new Uint8Array(widthPx * heightPx * 3).fill(level) };
}

function config(path: string, more: object = {}): ReturnType<typeof replaySchema.parse> {
  return replaySchema.parse({ kind: "replay", path, fps: 10, pace: "fast", ...more });
}

/** A source of frames made by hand. */
function scripted(frames: readonly Pick<Frame, "seq" | "exposedAt" | "status">[]): FrameSource {
  async function* play(): AsyncGenerator<Frame, void, void> {
    for (const frame of frames) yield { ...frame, ...picture(frame.seq) };
  }
  return {
    widthPx: 8,
    heightPx: 6,
    counters: { seen: frames.length, dropped: 0, incomplete: 0 },
    frames: play,
    close: () => Promise.resolve(),
  };
}

async function levels(source: FrameSource): Promise<number[]> {
  const found: number[] = [];
  for await (const frame of source.frames()) found.push(frame.data[0]!);
  return found;
}

before(async () => {
  await recordFrames(scripted([]), folder);
  await rm(join(folder, "frames.jsonl"));
  // Names whose natural order is not that of their letters.
  for (let i = 0; i < 14; i++) await writePng(join(folder, `v${i}.png`), picture(i));
  const frames = Array.from({ length: 14 }, (_, seq) => ({
    seq: seq + 100,
    exposedAt: 1_600_000_000_000_000 + seq * 50_000,
    status: "ok" as const,
  }));
  await recordFrames(scripted(frames), recording);
});
after(() => rm(root, { recursive: true }));

test("recordings in step begin as far apart as they were made, round after round", async () => {
  const other = join(root, "other");
  const frames = Array.from({ length: 20 }, (_, seq) => ({
    seq,
    exposedAt: 1_600_000_000_000_000 + 120_000 + seq * 40_000,
    status: "ok" as const,
  }));
  await recordFrames(scripted(frames), other);
  const startAt = 1_700_000_000_000_000;
  const times = async (path: string, wanted: number): Promise<number[]> => {
    const clock = new ManualClock(startAt);
    const source = await openReplay(
      config(path, { loop: true, startAt, inStepWith: [recording, other], pace: "real" }),
      clock,
    );
    const found: number[] = [];
    for await (const { exposedAt } of source.frames()) {
      found.push(exposedAt - startAt);
      if (found.length === wanted) break;
    }
    return found;
  };
  const first = await times(recording, 15);
  const second = await times(other, 21);
  assert.deepEqual([first[0], first[13]], [0, 650_000]);
  assert.deepEqual([second[0], second[19]], [120_000, 880_000]);
  // The next round begins an interval of the slower one behind the last frame of either.
  assert.deepEqual([first[14], second[20]], [930_000, 930_000 + 120_000]);
});

test("a folder of images cannot be played in step with a recording", async () => {
  await assert.rejects(openReplay(config(recording, { inStepWith: [folder] })), {
    code: "SOURCE",
    message: /is no recording, .* cannot be played in step with it/,
  });
});

frameSourceContract("a folder of images", {
  open: () => openReplay(config(folder)),
  frames: 14,
  openPaced: (clock) => openReplay(config(folder, { pace: "real" }), clock),
});

frameSourceContract("a recording", {
  open: () => openReplay(config(recording)),
  frames: 14,
  openPaced: (clock) => openReplay(config(recording, { pace: "real" }), clock),
});

describe("replay", () => {
  test("a folder plays in natural order of its names", async () => {
    assert.deepEqual(await levels(await openReplay(config(folder))), [...Array(14).keys()]);
  });

  test("a folder that loops begins again, with sequence numbers and times that go on", async () => {
    const source = await openReplay(config(folder, { loop: true }));
    const seen: { seq: number; level: number; at: number }[] = [];
    for await (const frame of source.frames()) {
      seen.push({ seq: frame.seq, level: frame.data[0]!, at: frame.exposedAt });
      if (seen.length === 16) break;
    }
    assert.deepEqual(
      seen.slice(13).map(({ seq, level }) => [seq, level]),
      [
        [13, 13],
        [14, 0],
        [15, 1],
      ],
    );
    assert.equal(seen[14]!.at - seen[13]!.at, 100_000);
    await source.close();
  });

  test("a recording keeps its times in fast pace, its intervals in real pace, its gaps and its incomplete frames", async () => {
    const path = join(root, "uneven");
    const start = 1_600_000_000_000_000;
    await recordFrames(
      scripted([
        { seq: 7, exposedAt: start, status: "ok" },
        { seq: 8, exposedAt: start + 33_333, status: "incomplete" },
        { seq: 11, exposedAt: start + 140_001, status: "ok" },
      ]),
      path,
    );
    const read = async (source: FrameSource): Promise<[number, number, string][]> => {
      const rows: [number, number, string][] = [];
      for await (const { seq, exposedAt, status } of source.frames()) rows.push([seq, exposedAt, status]);
      return rows;
    };
    const fast = await openReplay(config(path));
    assert.deepEqual(await read(fast), [
      [0, start, "ok"],
      [1, start + 33_333, "incomplete"],
      [4, start + 140_001, "ok"],
    ]);
    assert.equal(fast.counters.incomplete, 1);
    const clock = new ManualClock();
    const opened = clock.now();
    const real = await openReplay(config(path, { pace: "real" }), clock);
    assert.deepEqual(await read(real), [
      [0, opened, "ok"],
      [1, opened + 33_333, "incomplete"],
      [4, opened + 140_001, "ok"],
    ]);
  });

  test("a recording of the simulated line plays the same pixels at the same times", async () => {
    const line = lineSchema.parse({
      kind: "line",
      widthPx: 256,
      heightPx: 80,
      mmPerPx: 1.6,
      fps: 10,
      startAt: 1_600_000_000_000_000,
      pace: "fast",
    });
    const path = join(root, "line");
    assert.equal(await recordFrames(await openLine(line), path, 16), 16);
    const live = (await openLine(line)).frames();
    let count = 0;
    for await (const frame of (await openReplay(config(path))).frames()) {
      const { value } = await live.next();
      assert.deepEqual([frame.seq, frame.exposedAt], [value!.seq, value!.exposedAt]);
      assert.ok(Buffer.from(frame.data).equals(value!.data), `frame ${frame.seq} differs`);
      count++;
    }
    assert.equal(count, 16);
  });

  test("a recording cut off in the middle of a line plays up to there", async () => {
    const path = join(root, "torn");
    await recordFrames(scripted([{ seq: 3, exposedAt: 5, status: "ok" }]), path);
    await writeFile(join(path, "frames.jsonl"), '{"seq":4,"exposed', { flag: "a" });
    assert.deepEqual(await levels(await openReplay(config(path))), [3]);
  });

  test("a picture cut short is an incomplete frame, and the others play once", async () => {
    const path = join(root, "cut");
    const frames = [1, 2, 3].map((seq) => ({ seq, exposedAt: seq * 1000, status: "ok" as const }));
    await recordFrames(scripted(frames), path);
    await truncate(join(path, "00000002.png"), 60);
    const seen: [number, string][] = [];
    for await (const { seq, status, data, widthPx, heightPx } of (await openReplay(config(path))).frames()) {
      assert.equal(data.length, widthPx * heightPx * 3);
      seen.push([seq, status]);
    }
    assert.deepEqual(
      seen.map(([, status]) => status),
      ["ok", "incomplete", "ok"],
    );
    await truncate(join(path, "00000001.png"), 3);
    assert.equal((await openReplay(config(path))).widthPx, 8);
  });

  test("a recording with a damaged line is refused, and the line is named", async () => {
    const path = join(root, "damaged");
    await recordFrames(scripted([{ seq: 3, exposedAt: 5, status: "ok" }]), path);
    for (const [line, wanted] of [
      ["hello\n", /line 2: it is not JSON/],
      [
        `${JSON.stringify({ seq: 4, exposedAt: "soon", status: "ok", file: "a.png" })}\n`,
        /line 2: exposedAt: RFC 3339/,
      ],
      [
        `${JSON.stringify({ seq: 4, exposedAt: "2026-11-23T15:04:05.123456Z", status: "ok", file: "../../etc/passwd" })}\n`,
        /line 2: file: the name of a file in the same folder/,
      ],
      [
        `${JSON.stringify({ seq: 3, exposedAt: "2026-11-23T15:04:05.123456Z", status: "ok", file: "a.png" })}\n`,
        /line 2: .*later than on the line before/,
      ],
    ] as const) {
      const first = '{"seq":3,"exposedAt":"1970-01-01T00:00:00.000005Z","status":"ok","file":"00000003.png"}\n';
      await writeFile(join(path, "frames.jsonl"), first + line);
      await assert.rejects(openReplay(config(path)), { code: "SOURCE", message: wanted });
    }
  });

  test("a recording is never written over another", async () => {
    await assert.rejects(recordFrames(scripted([]), recording), { code: "FILE" });
  });

  test("a folder without images is refused", async () => {
    const path = join(root, "empty");
    await recordFrames(scripted([]), path);
    await assert.rejects(openReplay(config(path)), { code: "SOURCE_EMPTY" });
    await rm(join(path, "frames.jsonl"));
    await writeFile(join(path, "notes.txt"), "no image");
    await assert.rejects(openReplay(config(path)), { code: "SOURCE_EMPTY", message: /no image in/ });
  });

  test("a folder that is not there is refused", async () => {
    await assert.rejects(openReplay(config(join(root, "absent"))), { code: "SOURCE", message: /absent/ });
  });

  test("an image of another size is named with both sizes", async () => {
    const path = join(root, "odd");
    await recordFrames(scripted([]), path);
    await rm(join(path, "frames.jsonl"));
    await writePng(join(path, "a.png"), picture(1));
    await writePng(join(path, "b.png"), picture(2, 10, 6));
    await assert.rejects(openReplay(config(path)), { code: "SOURCE", message: /b\.png is 10 x 6, .* 8 x 6/ });
  });

  test("an image of a folder that is damaged is an incomplete frame, and its name is logged", async () => {
    const path = join(root, "broken");
    await recordFrames(scripted([]), path);
    await rm(join(path, "frames.jsonl"));
    const noise = picture(0, 64, 64);
    for (let i = 0; i < noise.data.length; i++) noise.data[i] = (i * 7919) % 251;
    await writePng(join(path, "a.png"), noise);
    const whole = await import("node:fs/promises").then((fs) => fs.readFile(join(path, "a.png")));
    await writeFile(join(path, "b.png"), whole.subarray(0, whole.length / 2));
    const lines: string[] = [];
    const log = pino({}, { write: (line) => void lines.push(line) });
    const reader = (await openReplay(config(path), undefined, log)).frames();
    assert.equal((await reader.next()).value?.status, "ok");
    assert.equal((await reader.next()).value?.status, "incomplete");
    assert.match(lines.join(), /b\.png cannot be decoded/);
  });
});
