/** What `openNative` is doing; told at the start of each stage and once a second while it lasts. */
export interface Progress {
  readonly stage: "session" | "engine" | "proof";
  /** For people, e.g. `TensorRT engine for 16 views, 2 of 3`. */
  readonly detail: string;
  /** Since this stage began. */
  readonly elapsedMs: number;
}

const TICK_MS = 1000;

/** Does `work` and tells of it meanwhile. */
export async function telling<T>(
  tell: ((progress: Progress) => void) | undefined,
  stage: Progress["stage"],
  detail: string,
  work: () => Promise<T>,
): Promise<T> {
  if (tell === undefined) return await work();
  const since = performance.now();
  const report = (): void => tell({ stage, detail, elapsedMs: performance.now() - since });
  report();
  const timer = setInterval(report, TICK_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
