import { publishedSchema } from "./published-schema.ts";
import { allTopics, type Topic } from "./topics.ts";
import { verbNames } from "./verbs.ts";

/** The contract as an AsyncAPI 3.0 document, seen from the device: `send` is what it publishes. */
export function asyncApi(): Record<string, unknown> {
  const topics = [...allTopics()];
  const each = (make: (name: string, topic: Topic) => unknown) =>
    Object.fromEntries(topics.map(([name, topic]) => [name, make(name, topic)]));
  return {
    asyncapi: "3.0.0",
    info: {
      title: "gradeline",
      version: "2.0.0",
      description: "What a grading line says and takes over MQTT: one verdict per fruit, its own state, and requests.",
      license: { name: "MIT" },
    },
    defaultContentType: "application/json",
    servers: {
      plant: {
        host: "127.0.0.1:1883",
        protocol: "mqtt",
        protocolVersion: "5.0",
        description: "The plant's broker; 3.1.1 where it is older.",
      },
    },
    channels: each(channel),
    operations: each(operation),
    components: {
      messages: each(message),
      schemas: each((_name, topic) => jsonSchema(topic)),
    },
  };
}

function channel(name: string, topic: Topic): unknown {
  const lane = topic.address.includes("{lane}");
  return {
    address: `gradeline/{device}/${topic.address}`,
    description: topic.description,
    messages: { [name]: { $ref: `#/components/messages/${name}` } },
    parameters: {
      device: { description: "name of the board, `device` in its configuration" },
      ...(topic.address.includes("{verb}") ? { verb: { description: "what was asked for" } } : {}),
      ...(lane ? { lane: { description: "name of the lane" } } : {}),
    },
  };
}

function operation(name: string, topic: Topic): unknown {
  const verb = verbNames.find((candidate) => name === `${candidate}Request`);
  return {
    action: topic.direction,
    channel: { $ref: `#/channels/${name}` },
    messages: [{ $ref: `#/channels/${name}/messages/${name}` }],
    bindings: { mqtt: { qos: topic.qos, retain: topic.retain, bindingVersion: "0.2.0" } },
    ...(verb === undefined
      ? {}
      : {
          reply: {
            channel: { $ref: `#/channels/${verb}Response` },
            messages: [{ $ref: `#/channels/${verb}Response/messages/${verb}Response` }],
          },
        }),
  };
}

function message(name: string, topic: Topic): unknown {
  return {
    name,
    summary: topic.description,
    contentType: "application/json",
    payload: { $ref: `#/components/schemas/${name}` },
  };
}

function jsonSchema(topic: Topic): unknown {
  // Inside the document the dialect is AsyncAPI's own superset of draft 7.
  const { $schema: _, ...schema } = publishedSchema(topic);
  return schema;
}
