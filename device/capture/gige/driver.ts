import { setImmediate as turn } from "node:timers/promises";
import { asGradelineError, GradelineError } from "../../base/errors.ts";
import type { GigeConfig } from "../../config/camera.ts";
import type { Driver, FrameSink, LogLine } from "../live/reader.ts";
import { type Aravis, type Handle, loadAravis } from "./aravis.ts";
import { openCamera, setUp } from "./camera.ts";
import { raiseReceivers } from "./priority.ts";
import { Receiver } from "./receiver.ts";

/** ARV_GV_STREAM_SOCKET_BUFFER_FIXED; by itself Aravis asks for one frame, which a moment without a processor fills. */
const SOCKET_BUFFER_FIXED = 0;
/** The kernel gives as much of it as net.core.rmem_max allows. */
const SOCKET_BUFFER_FRAMES = 4;
const SOCKET_BUFFER_MOST = 64 * 1024 * 1024;
const RESEND_NEVER = 0;
const RESEND_ALWAYS = 1;

/** Longest wait in one call: a software trigger or a close may have to wait for it. */
const WAIT_FREE_US = 20_000;
const WAIT_TRIGGER_US = 4_000;
/** How often it is asked whether the camera still takes orders. Aravis itself asks it once a second. */
const CONTROL_MS = 250;
/** A line that is in the log already is not repeated sooner. */
const REPEAT_MS = 60_000;

/** A GigE Vision or USB3 Vision camera by Aravis; its stream's own thread receives, this one hands on. */
export class GigeDriver implements Driver {
  readonly #config: GigeConfig;
  readonly #log: LogLine;
  #aravis: Aravis | undefined;
  #camera: Handle | undefined;

  constructor(config: GigeConfig, log: LogLine) {
    this.#config = config;
    this.#log = log;
  }

  async run(sink: FrameSink, stop: AbortSignal): Promise<"ended" | "stopped"> {
    this.#aravis ??= loadAravis();
    const aravis = this.#aravis;
    const camera = openCamera(aravis, this.#config.camera);
    let stream: Handle | undefined;
    let there = true;
    try {
      const picture = setUp(aravis, camera, this.#config);
      stream = createStream(aravis, camera, this.#config, picture.payloadBytes);
      raiseReceivers();
      const receiver = new Receiver(aravis, stream, sink, picture, this.#config);
      aravis.start(camera);
      this.#camera = camera;
      await this.#receive(camera, receiver, stallAfter(this.#config, picture.periodUs), stop);
      return "stopped";
    } catch (error) {
      // A camera that is away cannot be told to stop: each try would wait for seconds.
      there = false;
      sink.away(asGradelineError(error, "SOURCE"));
      throw error;
    } finally {
      this.#camera = undefined;
      if (there) this.#end(camera);
      if (stream !== undefined) aravis.unref(stream);
      aravis.unref(camera);
    }
  }

  trigger(): void {
    if (this.#camera === undefined) {
      throw new GradelineError("SOURCE", "the camera is away and cannot be triggered", { retry: true });
    }
    if (this.#config.trigger?.source !== "Software") {
      throw new GradelineError("SOURCE", "the camera is not set to software triggers", {
        hint: "trigger: { source: Software }",
      });
    }
    this.#aravis!.softwareTrigger(this.#camera);
  }

  async #receive(camera: Handle, receiver: Receiver, stallMs: number, stop: AbortSignal): Promise<void> {
    const aravis = this.#aravis!;
    const gigE = aravis.isGigE(camera) !== 0;
    const device = aravis.device(camera);
    const waitUs = this.#config.trigger === undefined ? WAIT_FREE_US : WAIT_TRIGGER_US;
    let seenAt = performance.now();
    let controlAt = seenAt;
    let unheld = 0;
    let warnedAt = Number.NEGATIVE_INFINITY;
    while (!stop.aborted) {
      const got = receiver.receive(waitUs);
      const now = performance.now();
      if (got) seenAt = now;
      else if (now - seenAt > stallMs) {
        throw new GradelineError("SOURCE", `the camera gave no frame for ${Math.round(now - seenAt)} ms`, {
          hint: "check cable and switch; net.core.rmem_max and the interface's MTU where frames come torn",
          retry: true,
        });
      }
      if (now - controlAt > CONTROL_MS) {
        controlAt = now;
        if (gigE) receiver.countResent();
        if (receiver.unheld > unheld && now - warnedAt > REPEAT_MS) {
          this.#log("warn", "frames came while no buffer was free: more `buffers`, or less other work");
          warnedAt = now;
        }
        unheld = receiver.unheld;
        if (gigE && aravis.isController(device) === 0) {
          throw new GradelineError("SOURCE", "control of the camera is lost", {
            hint: "it was unplugged, restarted, or another program took it",
            retry: true,
          });
        }
      }
      // Triggers and the end come as messages.
      await turn();
    }
  }

  #end(camera: Handle): void {
    try {
      this.#aravis!.stop(camera);
    } catch (error) {
      this.#log("debug", `the camera did not take the stop: ${error instanceof Error ? error.message : error}`);
    }
  }
}

/** A camera that is triggered may well be silent. */
function stallAfter({ trigger, stallMs, startMs }: GigeConfig, periodUs: number | undefined): number {
  if (trigger !== undefined) return Number.POSITIVE_INFINITY;
  if (stallMs !== undefined) return stallMs;
  return periodUs === undefined ? startMs : Math.max(1000, (30 * periodUs) / 1000);
}

function createStream(aravis: Aravis, camera: Handle, config: GigeConfig, payloadBytes: number): Handle {
  const stream = aravis.createStream(camera, null, null);
  if (stream === null) throw new GradelineError("SOURCE", "the camera gives no stream", { retry: true });
  if (aravis.isGigE(camera) !== 0) {
    const bytes = Math.min(SOCKET_BUFFER_FRAMES * payloadBytes, SOCKET_BUFFER_MOST);
    aravis.setProperty(stream, "socket-buffer", "int", SOCKET_BUFFER_FIXED, "void *", null);
    aravis.setProperty(stream, "socket-buffer-size", "int", bytes, "void *", null);
    aravis.setProperty(
      stream,
      "packet-resend",
      "int",
      config.packetResend ? RESEND_ALWAYS : RESEND_NEVER,
      "void *",
      null,
    );
    aravis.setProperty(stream, "frame-retention", "int", config.frameRetentionMs * 1000, "void *", null);
  }
  return stream;
}
