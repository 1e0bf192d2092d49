import type { z } from "zod";
import {
  healthSchema,
  infoSchema,
  laneStatsSchema,
  recipeSchema,
  shadowSchema,
  stateSchema,
  verdictSchema,
} from "./messages.ts";
import { refusalSchema, requestSchema, responseSchema, type Verb, verbNames, verbs } from "./verbs.ts";

/** One line of the contract with whoever sits at the broker. */
export interface Topic {
  /** Below `gradeline/<device>/`; `{…}` is filled in. */
  readonly address: string;
  /** Seen from the device. */
  readonly direction: "send" | "receive";
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly payload: z.ZodType;
  readonly description: string;
}

/** Every topic but those of requests, which follow from the verbs. Documents are generated from here. */
export const topics = {
  state: {
    address: "state",
    direction: "send",
    qos: 1,
    retain: true,
    payload: stateSchema,
    description: "Whether the device grades. The broker itself publishes `offline` when it loses the device (will).",
  },
  info: {
    address: "info",
    direction: "send",
    qos: 1,
    retain: true,
    payload: infoSchema,
    description: "What the device is: versions, model, gallery, cameras, lanes.",
  },
  health: {
    address: "health",
    direction: "send",
    qos: 1,
    retain: true,
    payload: healthSchema,
    description: "How the device is: journal, frames, broker, lateness.",
  },
  recipe: {
    address: "recipe",
    direction: "send",
    qos: 1,
    retain: true,
    payload: recipeSchema,
    description: "What the device grades by.",
  },
  shadow: {
    address: "shadow",
    direction: "send",
    qos: 1,
    retain: true,
    payload: shadowSchema,
    description: "How a second recipe, which is only counted, would have decided (request `shadow`).",
  },
  laneStats: {
    address: "lane/{lane}/stats",
    direction: "send",
    qos: 1,
    retain: true,
    payload: laneStatsSchema,
    description: "Counts of one lane since the start of the device.",
  },
  verdict: {
    address: "lane/{lane}/verdict",
    direction: "send",
    qos: 1,
    retain: false,
    payload: verdictSchema,
    description:
      "One message per item, in the order of `seq`. A repeat, after a lost connection or a crash, carries the same `item` and `seq`; a jump in `seq` is told in `health` as dropped.",
  },
} as const satisfies Record<string, Topic>;

export type TopicKey = keyof typeof topics;
/** Topics whose last message the broker keeps. */
export type RetainedKey = { [K in TopicKey]: (typeof topics)[K]["retain"] extends true ? K : never }[TopicKey];
export type PayloadOf<K extends TopicKey> = z.output<(typeof topics)[K]["payload"]>;

/** Where the verb is asked for. Never retained: an old command must not act again. */
export function requestTopic(verb: Verb): Topic {
  return {
    address: `request/${verb}`,
    direction: "receive",
    qos: 1,
    retain: false,
    payload: requestSchema(verb),
    description: verbs[verb].description,
  };
}

/** Where the verb is answered unless the request names an MQTT 5 response topic. */
export function responseTopic(verb: Verb): Topic {
  return {
    address: `response/${verb}`,
    direction: "send",
    qos: 1,
    retain: false,
    payload: responseSchema(verb),
    description: `Answer to \`request/${verb}\` where that named no response topic.`,
  };
}

/** Where a request is answered whose verb is not known. */
const refusalTopic: Topic = {
  address: "response/{verb}",
  direction: "send",
  qos: 1,
  retain: false,
  payload: refusalSchema,
  description: "Answer to a request whose verb the device does not know: always an error.",
};

/** The whole contract, by the name that documents use. */
export function allTopics(): ReadonlyMap<string, Topic> {
  const all = new Map<string, Topic>(Object.entries(topics));
  for (const verb of verbNames) {
    all.set(`${verb}Request`, requestTopic(verb));
    all.set(`${verb}Response`, responseTopic(verb));
  }
  all.set("refusal", refusalTopic);
  return all;
}

/** What all topics of one device begin with. */
export function topicRoot(device: string): string {
  return `gradeline/${device}/`;
}

/** The full name, e.g. `gradeline/board-1/lane/a/verdict`. */
export function topicName(device: string, key: TopicKey, lane?: string): string {
  return topicRoot(device) + topics[key].address.replace("{lane}", lane ?? "");
}
