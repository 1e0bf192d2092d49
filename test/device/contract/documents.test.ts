import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { Ajv } from "ajv";
import { parse } from "yaml";
import { CONTRACT, documents } from "../../../device/contract/documents.ts";
import { allTopics, topics } from "../../../device/contract/topics.ts";

for (const [path, text] of documents()) {
  test(`${path} is what \`npm run docs\` writes`, () => {
    assert.equal(readFileSync(path, "utf8"), text);
  });
}

test("no document of a message that is gone lies beside the generated ones", () => {
  const expected = [...documents().keys()].filter((path) => path.startsWith(CONTRACT));
  assert.deepEqual(readdirSync(CONTRACT).sort(), expected.map((path) => path.slice(CONTRACT.length + 1)).sort());
});

test("the AsyncAPI document has each topic once, with its direction, QoS and retain", () => {
  const api = parse(readFileSync(`${CONTRACT}/asyncapi.yaml`, "utf8"));
  for (const [name, topic] of allTopics()) {
    assert.equal(api.channels[name].address, `gradeline/{device}/${topic.address}`);
    assert.equal(api.operations[name].action, topic.direction);
    assert.deepEqual(api.operations[name].bindings.mqtt, {
      qos: topic.qos,
      retain: topic.retain,
      bindingVersion: "0.2.0",
    });
  }
  assert.equal(Object.keys(api.channels).length, allTopics().size);
});

test("every schema of a message compiles as draft 7", () => {
  const ajv = new Ajv({ strict: true, strictTypes: false });
  for (const name of allTopics().keys()) {
    ajv.compile(JSON.parse(readFileSync(`${CONTRACT}/${name}.schema.json`, "utf8")));
  }
});

test("verdicts, commands and answers are never retained, everything that describes the device is", () => {
  for (const [name, topic] of allTopics()) {
    const passing = name === "verdict" || name === "refusal" || /Request$|Response$/.test(name);
    assert.equal(topic.retain, !passing, name);
  }
  assert.equal(topics.verdict.qos, 1);
});
