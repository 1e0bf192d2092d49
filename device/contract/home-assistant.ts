import { VERSION } from "../base/version.ts";
import { topicName } from "./topics.ts";

/** What Home Assistant shows of a device: one retained message tells it everything. */
export interface Discovery {
  readonly topic: string;
  readonly payload: string;
}

interface Component {
  readonly p: "sensor" | "binary_sensor";
  readonly name: string;
  readonly unique_id: string;
  readonly state_topic: string;
  readonly value_template: string;
  readonly [more: string]: unknown;
}

/**
 * Discovery of a whole device, as Home Assistant has it since 2024.11.
 *
 * @param prefix of its topics, `homeassistant` unless it is configured otherwise there
 * @see https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload
 */
export function discovery(prefix: string, device: string, lanes: readonly string[]): Discovery {
  const id = `gradeline_${device}`;
  const state = topicName(device, "state");
  const health = topicName(device, "health");
  const components: [string, Omit<Component, "unique_id">][] = [
    [
      "state",
      {
        p: "sensor",
        name: "State",
        state_topic: state,
        value_template: "{{ value_json.state }}",
        json_attributes_topic: state,
        json_attributes_template: "{{ {'reasons': value_json.reasons} | tojson }}",
      },
    ],
    [
      "problem",
      {
        p: "binary_sensor",
        name: "Problem",
        device_class: "problem",
        state_topic: state,
        value_template: "{{ 'OFF' if value_json.state == 'online' else 'ON' }}",
      },
    ],
    [
      "waiting",
      {
        p: "sensor",
        name: "Verdicts that wait for the broker",
        state_class: "measurement",
        state_topic: health,
        value_template: "{{ value_json.journal.depth }}",
      },
    ],
    ...lanes.flatMap((lane): [string, Omit<Component, "unique_id">][] => {
      const stats = topicName(device, "laneStats", lane);
      return [
        [
          `${lane}_items`,
          {
            p: "sensor",
            name: `Lane ${lane}: fruit`,
            state_class: "total_increasing",
            state_topic: stats,
            value_template: "{{ value_json['items'] - value_json.outcomes.empty }}",
          },
        ],
        [
          `${lane}_rate`,
          {
            p: "sensor",
            name: `Lane ${lane}: fruit per minute`,
            state_class: "measurement",
            unit_of_measurement: "1/min",
            state_topic: stats,
            value_template: "{{ (value_json.itemsPerS * 60) | round(0) }}",
          },
        ],
        [
          `${lane}_unknown`,
          {
            p: "sensor",
            name: `Lane ${lane}: unknown`,
            state_class: "total_increasing",
            state_topic: stats,
            value_template: "{{ value_json.outcomes.unknown }}",
          },
        ],
      ];
    }),
  ];
  const payload = {
    dev: { ids: [id], name: `gradeline ${device}`, mf: "gradeline", sw: VERSION },
    o: { name: "gradeline", sw: VERSION },
    cmps: Object.fromEntries(components.map(([key, component]) => [key, { ...component, unique_id: `${id}_${key}` }])),
    availability_topic: state,
    availability_template: "{{ 'offline' if value_json.state in ('offline', 'stopped') else 'online' }}",
    qos: 1,
  };
  return { topic: `${prefix}/device/${id}/config`, payload: JSON.stringify(payload) };
}
