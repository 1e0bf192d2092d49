import { GradelineError } from "../../base/errors.ts";
import { type Micros, nowMicros } from "../../base/time.ts";
import type { GigeConfig } from "../../config/camera.ts";
import { FrameIds } from "../live/numbers.ts";
import type { FrameSink } from "../live/reader.ts";
import { type Aravis, BUFFER_SUCCESS, BUFFER_TORN, type Handle } from "./aravis.ts";
import type { Picture } from "./camera.ts";
import { balancer, converterOf } from "./pixels.ts";

/** No frame takes so long to arrive: the wall clock was set meanwhile. */
const OLDEST_US = 1_000_000;

/** No packet is asked for so much later. */
const LATE_FRAMES = 100;

/** Where a filled buffer goes. */
interface Pool {
  /** Memory that the stream fills, one per buffer. */
  readonly memory: readonly Uint8Array[];
  /** Buffers to begin with. */
  readonly first: readonly number[];
  /**
   * Makes a frame of a filled buffer.
   *
   * @param deliver takes the slot with the picture and gives the one to have instead
   * @returns the buffer that the stream may fill next
   */
  use(index: number, deliver: (slot: number) => number): number;
}

/**
 * Takes buffers off a stream and makes frames of them. Frames that are RGB already are received where they are looked
 * at, without a copy; others are converted on the way.
 */
export class Receiver {
  readonly #aravis: Aravis;
  readonly #stream: Handle;
  readonly #sink: FrameSink;
  readonly #picture: Picture;
  readonly #pool: Pool;
  readonly #buffers: Handle[];
  readonly #indexOf: ReadonlyMap<Handle, number>;
  readonly #ids = new FrameIds();
  #resent = 0;
  #lastId: number | undefined;

  constructor(aravis: Aravis, stream: Handle, sink: FrameSink, picture: Picture, config: GigeConfig) {
    this.#aravis = aravis;
    this.#stream = stream;
    this.#sink = sink;
    this.#picture = picture;
    this.#pool = createPool(sink, picture, config);
    this.#buffers = this.#pool.memory.map((memory) => aravis.newBuffer(picture.payloadBytes, memory));
    this.#indexOf = new Map(this.#buffers.map((buffer, index) => [buffer, index]));
    for (const index of this.#pool.first) aravis.push(stream, this.#buffers[index]!);
  }

  /**
   * How often no buffer was free for what came, since the stream began. Aravis counts each packet of such a frame. The
   * frames are among the lost, and no fault of the network.
   */
  get unheld(): number {
    return Number(this.#aravis.streamInfo(this.#stream, "n_underruns"));
  }

  /** Counts packets that came again since the last call. */
  countResent(): void {
    const resent = Number(this.#aravis.streamInfo(this.#stream, "n_resent_packets"));
    if (resent > this.#resent) this.#sink.countResent(resent - this.#resent);
    this.#resent = resent;
  }

  /** Waits up to `us` for one frame. @returns whether one came */
  receive(us: number): boolean {
    const aravis = this.#aravis;
    const buffer = aravis.pop(this.#stream, us);
    if (buffer === null) return false;
    const begunAt = this.#begunAt(buffer);
    const arrivedAt = nowMicros();
    const status = aravis.bufferStatus(buffer);
    const complete = status === BUFFER_SUCCESS;
    if (!complete && !BUFFER_TORN.has(status)) {
      // Cleared or aborted: no exposure stands behind it.
      aravis.push(this.#stream, buffer);
      return false;
    }
    if (complete) this.#checkSize(buffer);
    const id = this.#ids.unwrap(Number(aravis.frameId(buffer)));
    if (this.#isLate(id)) {
      aravis.push(this.#stream, buffer);
      return true;
    }
    const stamp = BigInt(aravis.timestampNs(buffer));
    const next = this.#pool.use(this.#indexOf.get(buffer)!, (slot) =>
      this.#sink.deliver(slot, {
        id,
        cameraNs: stamp === 0n ? undefined : stamp,
        arrivedAt,
        begunAt,
        periodUs: this.#picture.periodUs,
        complete,
      }),
    );
    aravis.push(this.#stream, this.#buffers[next]!);
    return true;
  }

  /**
   * A packet that was asked for twice comes when its frame is long done: Aravis begins the frame anew and gives it a
   * second time. An id that goes back by much is a camera that began to count anew.
   */
  #isLate(id: number): boolean {
    const late = this.#lastId !== undefined && id <= this.#lastId && id > this.#lastId - LATE_FRAMES;
    if (!late) this.#lastId = id;
    return late;
  }

  /**
   * When the first packet was here. Aravis noted it by the wall clock; ours is steady, so the age is carried over. Ours
   * is read last: where this thread is held up between the two, the time comes out late, which the comparison of
   * clocks overlooks, and never early, which would shift all frames of the next seconds.
   */
  #begunAt(buffer: Handle): Micros {
    const begunUs = Number(this.#aravis.systemTimeNs(buffer)) / 1000;
    const ageUs = Number(this.#aravis.realTimeUs()) - begunUs;
    const now = nowMicros();
    return begunUs > 0 && ageUs > 0 && ageUs < OLDEST_US ? now - ageUs : now;
  }

  #checkSize(buffer: Handle): void {
    const [width, height] = [this.#aravis.imageWidth(buffer), this.#aravis.imageHeight(buffer)];
    const { widthPx, heightPx } = this.#picture;
    if (width === widthPx && height === heightPx) return;
    throw new GradelineError("SOURCE", `the camera sends ${width}x${height}, it was set to ${widthPx}x${heightPx}`, {
      retry: true,
    });
  }
}

function createPool(sink: FrameSink, picture: Picture, config: GigeConfig): Pool {
  const { widthPx, heightPx, payloadBytes } = picture;
  const convert = converterOf(config.pixelFormat);
  const balance = config.whiteBalance === undefined ? undefined : balancer(config.whiteBalance);
  const rgbBytes = widthPx * heightPx * 3;
  const wanted = convert === undefined ? rgbBytes : widthPx * heightPx;
  if (payloadBytes < wanted) {
    throw new GradelineError("SOURCE", `the camera sends ${payloadBytes} bytes a frame, ${wanted} were expected`);
  }
  if (convert === undefined) {
    const writer = sink.open(widthPx, heightPx, payloadBytes, config.buffers + 2);
    return {
      memory: Array.from({ length: writer.memory.slots }, (_, slot) => writer.bytes(slot).subarray(0, payloadBytes)),
      first: [...writer.free],
      use: (slot, deliver) => {
        balance?.(writer.bytes(slot), rgbBytes);
        return deliver(slot);
      },
    };
  }
  const writer = sink.open(widthPx, heightPx, rgbBytes, 3);
  const memory = Array.from({ length: config.buffers }, () => new Uint8Array(new SharedArrayBuffer(payloadBytes)));
  let slot = [...writer.free][0]!;
  return {
    memory,
    first: memory.map((_, index) => index),
    use: (index, deliver) => {
      const rgb = writer.bytes(slot);
      convert(memory[index]!, rgb, widthPx, heightPx);
      balance?.(rgb, rgbBytes);
      slot = deliver(slot);
      return index;
    },
  };
}
