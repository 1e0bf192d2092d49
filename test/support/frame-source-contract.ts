import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Frame } from "../../device/base/frame.ts";
import type { FrameSource } from "../../device/capture/source.ts";
import { ManualClock } from "./manual-clock.ts";

export interface FrameSourceSubject {
  /** Opens a source that ends by itself and does not wait between frames; at least 3 frames. */
  open(): Promise<FrameSource>;
  /** Frames that `open` gives where that is known. */
  readonly frames?: number;
  /** Opens one that plays at its own pace by the given clock; at least 12 exposures, 1 to 1000 a second. */
  openPaced?(clock: ManualClock): Promise<FrameSource>;
  /** Reason why the subject cannot be opened here. */
  readonly skip?: string | undefined;
}

/** What every source of frames promises, whatever is behind it. */
export function frameSourceContract(name: string, subject: FrameSourceSubject): void {
  const options = subject.skip === undefined ? {} : { skip: subject.skip };
  describe(`${name} as a source of frames`, options, () => {
    test("frames come in order, later each time, and have the size that was announced", async () => {
      const source = await subject.open();
      try {
        let last: Pick<Frame, "seq" | "exposedAt"> | undefined;
        for await (const frame of source.frames()) {
          assert.equal(frame.widthPx, source.widthPx);
          assert.equal(frame.heightPx, source.heightPx);
          assert.equal(frame.data.length, frame.widthPx * frame.heightPx * 3);
          assert.ok(Number.isSafeInteger(frame.seq) && Number.isSafeInteger(frame.exposedAt));
          if (last !== undefined) {
            assert.ok(frame.seq > last.seq, `seq ${frame.seq} after ${last.seq}`);
            assert.ok(frame.exposedAt > last.exposedAt, `exposed ${frame.exposedAt} after ${last.exposedAt}`);
          }
          last = { seq: frame.seq, exposedAt: frame.exposedAt };
        }
        assert.ok(last !== undefined, "no frame came");
      } finally {
        await source.close();
      }
    });

    test("every exposure is delivered or counted as dropped, and the end ends the iteration", async () => {
      const source = await subject.open();
      let delivered = 0;
      for await (const _ of source.frames()) delivered++;
      const { seen, dropped, incomplete, lost = 0 } = source.counters;
      assert.equal(seen, delivered + dropped + lost);
      assert.ok(incomplete <= delivered);
      if (subject.frames !== undefined) assert.equal(delivered, subject.frames);
      await source.close();
    });

    test("closing ends a running iteration after the frame in hand, and closing again does nothing", async () => {
      const source = await subject.open();
      let delivered = 0;
      for await (const _ of source.frames()) {
        delivered++;
        await source.close();
      }
      assert.equal(delivered, 1);
      await source.close();
    });

    test("a second reader at the same time is refused", async () => {
      const source = await subject.open();
      const reader = source.frames();
      await reader.next();
      assert.throws(() => source.frames(), { code: "SOURCE" });
      await reader.return?.();
      await source.close();
    });

    pacedContract(subject);
  });
}

function pacedContract({ openPaced }: FrameSourceSubject): void {
  if (openPaced === undefined) return;

  test("a frame comes no earlier than it is exposed", async () => {
    const clock = new ManualClock();
    const source = await openPaced(clock);
    let count = 0;
    for await (const frame of source.frames()) {
      assert.ok(frame.exposedAt <= clock.now());
      if (++count === 6) break;
    }
    assert.ok(clock.waits.length >= 5, "it never waited");
    await source.close();
  });

  test("a slow reader gets the newest frame, and those between count as dropped", async () => {
    const clock = new ManualClock();
    const source = await openPaced(clock);
    const reader = source.frames();
    const [first, second] = [await take(reader), await take(reader)];
    const intervalUs = second.exposedAt - first.exposedAt;
    clock.advance(5.5 * intervalUs);
    const late = await take(reader);
    assert.equal(late.seq, second.seq + 5);
    assert.ok(late.exposedAt > clock.now() - intervalUs, "a newer one was there");
    assert.equal(source.counters.dropped, 4);
    assert.equal(source.counters.seen, 7);
    const next = await take(reader);
    assert.equal(next.seq, late.seq + 1);
    await source.close();
    await reader.return?.();
  });

  test("closing wakes a reader that waits for the next exposure", async () => {
    const clock = new ManualClock();
    const source = await openPaced(clock);
    const reader = source.frames();
    await take(reader);
    clock.onWait = () => void source.close();
    assert.equal((await reader.next()).done, true);
  });
}

async function take(reader: AsyncIterator<Frame>): Promise<Pick<Frame, "seq" | "exposedAt">> {
  const { value, done } = await reader.next();
  assert.notEqual(done, true, "the source ended early");
  const { seq, exposedAt } = value as Frame;
  return { seq, exposedAt };
}
