import { asGradelineError, GradelineError } from "../base/errors.ts";
import type { Config } from "../config/schema.ts";
import { openSource } from "./open-source.ts";

/** What a camera showed. */
export interface SeenSource {
  readonly id: string;
  readonly widthPx: number;
  readonly heightPx: number;
  /** False where it opened but waits for triggers. */
  readonly frame: boolean;
}

/** Longest wait for a frame of a camera that is open. */
const FRAME_MS = 5000;

/**
 * Opens every camera of a configuration and takes a frame of each, all at once.
 *
 * @throws {GradelineError} SOURCE that names each camera that cannot be opened or gives nothing, with what to do
 */
export async function checkSources({ cameras }: Pick<Config, "cameras">, stop: AbortSignal): Promise<SeenSource[]> {
  const looks = await Promise.allSettled(cameras.map((camera) => look(camera, stop)));
  stop.throwIfAborted();
  const failures = looks.flatMap((each, index) => {
    if (each.status === "fulfilled") return [];
    const { message, hint } = asGradelineError(each.reason, "SOURCE");
    return [{ text: `camera ${cameras[index]!.id}: ${message}`, hint }];
  });
  if (failures.length > 0) {
    const hints = new Set(failures.flatMap(({ hint }) => hint ?? []));
    throw new GradelineError("SOURCE", failures.map(({ text }) => text).join("\n"), { hint: [...hints].join("; ") });
  }
  return looks.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
}

async function look({ id, source: config }: Config["cameras"][number], stop: AbortSignal): Promise<SeenSource> {
  const source = await openSource(config);
  const close = (): void => void source.close();
  stop.addEventListener("abort", close, { once: true });
  // Closing ends the wait for a frame.
  const timer = setTimeout(close, FRAME_MS);
  try {
    const { widthPx, heightPx } = source;
    const { done } = await source.frames().next();
    const triggered = config.kind === "gige" && config.trigger !== undefined;
    if (done === true && !triggered) {
      throw new GradelineError("SOURCE", `it opened, but gave no frame within ${FRAME_MS / 1000} s`, {
        hint: "look at the camera's own settings, its trigger above all",
      });
    }
    return { id, widthPx, heightPx, frame: done !== true };
  } finally {
    clearTimeout(timer);
    stop.removeEventListener("abort", close);
    await source.close();
  }
}
