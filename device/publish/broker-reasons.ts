import type { Reason } from "../contract/reasons.ts";

export interface BrokerFindings {
  /** The device's own topics that the broker does not take, with the reason. */
  readonly refused: Iterable<readonly [topic: string, reason: string]>;
  /** Topics of verdicts that it acknowledges and keeps back. */
  readonly swallowed: Iterable<string>;
  /** Whether it passes verdicts on cannot be heard. */
  readonly unverified: boolean;
  /** It keeps retained messages. */
  readonly retains: boolean;
  /** It ends connections again and again. */
  readonly unstable: { readonly message: string; readonly hint: string } | undefined;
}

/** What the broker keeps the device from telling. */
export function* brokerReasons({
  refused,
  swallowed,
  unverified,
  retains,
  unstable,
}: BrokerFindings): Iterable<Reason> {
  for (const [topic, problem] of refused) {
    if (topic.endsWith("/request/+")) {
      yield { code: "requests-refused", message: `the broker lets no requests through: ${problem}` };
    } else yield { code: "topic-refused", topic, message: `the broker does not take ${topic}: ${problem}` };
  }
  for (const topic of swallowed) {
    const message = `the broker acknowledges ${topic} but does not pass it on; the verdicts are kept`;
    yield { code: "verdicts-swallowed", topic, message };
  }
  if (unverified) yield { code: "unverified", message: "it cannot be verified that the broker passes verdicts on" };
  if (unstable !== undefined) yield { code: "broker-drops", ...unstable };
  if (!retains) yield { code: "not-retained", message: "the broker retains no messages" };
}
