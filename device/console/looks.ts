import { GradelineError } from "../base/errors.ts";
import { encodeJpeg } from "../capture/image.ts";
import type { CameraLook } from "./view.ts";

/** A picture is shown to all who look at the camera for so long: five pages cost as much as one. */
const FRESH_MS = 180;
/** A camera that gives no frame for so long is said to give none. */
const PATIENCE_MS = 5000;
/** For a picture to look at, not to grade by. */
const QUALITY = 70;

export interface Look {
  readonly jpeg: Buffer;
  /** What is seen in it, as JSON. */
  readonly about: string;
}

interface Latest {
  readonly look: Promise<Look | undefined>;
  /** When it came; undefined while it is awaited. */
  at: number | undefined;
}

/** Live pictures of the cameras: taken when somebody asks, one at a time for each camera, shared by all who look. */
export class Looks {
  readonly #take: (camera: string) => Promise<CameraLook | undefined>;
  readonly #latest = new Map<string, Latest>();

  constructor(take: (camera: string) => Promise<CameraLook | undefined>) {
    this.#take = take;
  }

  /**
   * @returns undefined where there is no such camera
   * @throws {GradelineError} SOURCE where it gives no picture
   */
  get(camera: string): Promise<Look | undefined> {
    const latest = this.#latest.get(camera);
    if (latest !== undefined && (latest.at === undefined || performance.now() - latest.at < FRESH_MS)) {
      return latest.look;
    }
    const next: Latest = { look: this.#make(camera), at: undefined };
    this.#latest.set(camera, next);
    next.look.then(
      (look) => {
        next.at = performance.now();
        if (look === undefined) this.#latest.delete(camera);
      },
      () => this.#latest.delete(camera),
    );
    return next.look;
  }

  async #make(camera: string): Promise<Look | undefined> {
    const taken = await inPatience(this.#take(camera), camera);
    if (taken === undefined) return undefined;
    const { data, widthPx, heightPx, ...about } = taken;
    const jpeg = await encodeJpeg({ widthPx, heightPx, data }, QUALITY);
    return { jpeg, about: JSON.stringify({ ...about, widthPx, heightPx }) };
  }
}

async function inPatience<T>(work: Promise<T>, camera: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(new GradelineError("SOURCE", `camera ${camera} gives no frame`, { retry: true }));
  }, PATIENCE_MS);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
