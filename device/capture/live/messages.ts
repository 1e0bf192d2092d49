import type { Micros } from "../../base/time.ts";
import type { FailedAnswer, Failure } from "../../base/worker.ts";
import type { ExchangeMemory } from "./exchange.ts";

/** What crosses between a camera's reader thread and the source that started it. Pixels never do, see exchange.ts. */
export type FromReader =
  | { readonly kind: "opened"; readonly memory: ExchangeMemory }
  /** A frame is there and the taker had gone to sleep. */
  | { readonly kind: "frame" }
  | { readonly kind: "ok"; readonly since: Micros }
  | { readonly kind: "away"; readonly reason: string; readonly hint: string | undefined; readonly since: Micros }
  | { readonly kind: "log"; readonly level: LogSeverity; readonly text: string }
  | { readonly kind: "triggered"; readonly id: number; readonly at: Micros }
  | { readonly kind: "untriggered"; readonly id: number; readonly error: Failure }
  | { readonly kind: "ended" }
  | FailedAnswer;

export type ToReader =
  | { readonly kind: "close" }
  | { readonly kind: "trigger"; readonly id: number; readonly at: Micros };

export type LogSeverity = "debug" | "info" | "warn";
