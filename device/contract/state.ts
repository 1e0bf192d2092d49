import { formatMicros, type Micros } from "../base/time.ts";
import type { StateMessage } from "./messages.ts";
import { hintOf, type Reason } from "./reasons.ts";

/**
 * The message `state`.
 *
 * @param at since when the device is in this state; null where that cannot be known
 */
export function stateMessage(
  state: StateMessage["state"],
  reasons: readonly Reason[],
  at: Micros | null,
): StateMessage {
  const time = (micros: Micros | null): string | null => (micros === null ? null : formatMicros(micros));
  return {
    v: 2,
    state,
    reasons: reasons.map(({ message }) => message),
    causes: reasons.map(({ code, message, hint, since, lane, camera, topic }) => ({
      code,
      message,
      hint: hintOf({ code, hint }),
      since: time(since ?? at),
      ...(lane === undefined ? {} : { lane }),
      ...(camera === undefined ? {} : { camera }),
      ...(topic === undefined ? {} : { topic }),
    })),
    at: time(at),
  };
}
