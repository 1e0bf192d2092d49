import { join } from "node:path";
import type { Survey } from "../../device/embed/native/doctor.ts";
import type { Provider } from "../../device/embed/providers.ts";
import type { Task } from "./child.ts";

/** What every check is given. */
export interface Bench {
  readonly provider: Exclude<Provider, "cpu">;
  readonly environment: Readonly<Record<string, string>>;
  /** An empty folder, removed afterwards. */
  readonly work: string;
  readonly quick: boolean;
  readonly survey: Survey;
  readonly standIn: boolean;
  readonly stop: AbortSignal;
}

/** What a check found. */
export interface Outcome {
  readonly state: "ok" | "FAILED" | "skipped";
  readonly detail: string;
  readonly figures?: unknown;
}

/** What every deed is given. */
export function taskOf({ provider, work, standIn }: Bench): Task {
  const tiny = standIn && provider === "webgpu" ? { tiny: true } : {};
  return { provider, engineCache: join(work, "engines"), ...tiny };
}
