import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { MINIMAL } from "../../../calibrate/config/example.ts";
import { parseConfig } from "../../../device/config/file.ts";
import { CalibrateFolder } from "../../support/calibrate-cli.ts";

let own: CalibrateFolder;
before(async () => {
  own = await CalibrateFolder.make("config");
});
after(() => own.close());

test("the smallest example is a page that is valid as it stands, and the whole one is the shipped file", async () => {
  const { status, stdout } = await own.run("config", "example", "--minimal");
  assert.deepEqual([status, stdout], [0, MINIMAL]);
  assert.ok(stdout.split("\n").length < 20);
  assert.equal(parseConfig(stdout, "minimal.yaml").lanes[0]!.id, "1");
  const whole = await own.run("config", "example");
  assert.equal(whole.stdout, await readFile("systemd/gradeline.example.yaml", "utf8"));
});

test("a setting is explained in words, and as one JSON object", async () => {
  const { stdout } = await own.run("config", "explain", "mqtt.window");
  assert.equal(
    stdout,
    "mqtt.window\n  verdicts in flight to the broker at once\n  allowed: a whole number from 1 up to 1000\n  where absent: 20\n",
  );
  const json = await own.run("config", "explain", "mqtt.window", "--json");
  assert.equal(JSON.parse(json.stdout).settings[0].default, 20);
  const wrong = await own.run("config", "explain", "mqtt.windwo");
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /there is no setting mqtt\.windwo; did you mean window\?/);
});
