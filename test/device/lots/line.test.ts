import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { LotOnLane } from "../../../device/contract/lot.ts";
import { Board } from "../../support/board.ts";
import { withoutMosquitto } from "../../support/broker-mosquitto.ts";
import { runCalibrate } from "../../support/calibrate-cli.ts";
import { verdictsOf } from "../../support/daemon-verdicts.ts";

const board = Board.forEachTest("mosquitto");

test("a lot that is set at the terminal is in the verdicts of the fruit that follow, also after a kill", {
  skip: withoutMosquitto,
}, async () => {
  const config = board.line();
  const daemon = await board.started(config);
  const file = join(board.folder, "calibrate.yaml");
  await writeFile(file, JSON.stringify(config));
  const lots = async (...words: string[]): Promise<string> => {
    const { status, stdout, stderr } = await runCalibrate(board.folder, ["lot", ...words, "--config", file]);
    assert.equal(status, 0, stderr);
    return stdout;
  };
  const heard = () => verdictsOf(board.ears);
  assert.ok((await board.ears.until(() => heard()[0])).lot === undefined);
  const said = await lots("set", "4711", "--grower", "Huber", "--field", "orchard=north", "--lane", "belt");
  assert.match(said, /^lane belt: lot 4711, grower Huber, orchard north, since 20\S+Z\n$/);
  await board.ears.until(() => heard().find(({ lot, lane }) => lot === "4711" && lane === "belt"));
  assert.ok(heard().every(({ lane, lot }) => lane === "belt" || lot === undefined));
  const { error } = await board.ask("lot", { lane: "roof", lot: { id: "1" } });
  assert.match(error.message, /no lane "roof", wanted one of: belt, cups/);

  await daemon.kill("SIGKILL");
  const before = heard().length;
  await board.started(config);
  const after = await board.ears.until(() =>
    heard()
      .slice(before)
      .filter(({ lane }) => lane === "belt")
      .at(-1),
  );
  assert.equal(after.lot, "4711");
  const { lots: shown } = JSON.parse(await lots("show", "--json")) as { lots: LotOnLane[] };
  assert.deepEqual(
    shown.map(({ lane, lot }) => [lane, lot]),
    [
      ["belt", { id: "4711", grower: "Huber", fields: { orchard: "north" } }],
      ["cups", null],
    ],
  );
  const ended = await lots("end");
  assert.equal(ended, "lane belt: no lot\nlane cups: no lot\n");
});
