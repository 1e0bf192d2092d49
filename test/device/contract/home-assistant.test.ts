import assert from "node:assert/strict";
import { test } from "node:test";
import { nowMicros } from "../../../device/base/time.ts";
import { discovery } from "../../../device/contract/home-assistant.ts";
import { Board } from "../../support/board.ts";
import { withoutMosquitto } from "../../support/broker-mosquitto.ts";
import { Subscriber } from "../../support/subscriber.ts";

interface Told {
  readonly dev: { readonly ids: string[]; readonly name: string };
  readonly cmps: Record<
    string,
    { readonly unique_id: string; readonly state_topic: string; readonly value_template: string }
  >;
  readonly availability_topic: string;
}

test("every component has a name of its own, a template and a topic of the device", () => {
  const { topic, payload } = discovery("ha", "board-1", ["a", "b"]);
  assert.equal(topic, "ha/device/gradeline_board-1/config");
  const { cmps, dev } = JSON.parse(payload) as Told;
  assert.deepEqual(dev.ids, ["gradeline_board-1"]);
  const all = Object.values(cmps);
  assert.equal(all.length, 9);
  assert.equal(new Set(all.map(({ unique_id: id }) => id)).size, 9);
  assert.ok(all.every(({ state_topic: from }) => from.startsWith("gradeline/board-1/")));
});

const board = Board.forEachTest("mosquitto");

test("the broker keeps the discovery, and its templates find what they look for in the device's own messages", {
  skip: withoutMosquitto,
}, async () => {
  await board.started(board.line({ startAt: nowMicros(), more: { homeAssistant: {} } }));
  const home = await board.keep(Subscriber.connect(board.brokerPort, ["homeassistant/#"], { protocolVersion: 5 }));
  const [told] = await home.until(() => {
    const found = home.json("gradeline_board/config");
    return found.length > 0 ? (found as unknown as Told[]) : undefined;
  });
  for (const { state_topic: topic, value_template: template } of Object.values(told!.cmps)) {
    const message = await board.ears.until(() => board.ears.json(topic).at(-1));
    const paths = [...template.matchAll(/value_json((?:\.\w+|\['\w+'\])+)/g)].map(([, path]) => path!);
    assert.ok(paths.length > 0, template);
    for (const path of paths) {
      const keys = [...path.matchAll(/\w+/g)].map(([key]) => key);
      const value = keys.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], message);
      assert.ok(value !== undefined, `${topic}: ${path} is not there`);
    }
  }
});
