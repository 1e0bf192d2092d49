import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { loadModel } from "../../../device/embed/model.ts";
import { readAnyGallery } from "../../../device/gallery/store.ts";
import { loadRecipe } from "../../../device/recipes/load.ts";
import { readQueue } from "../../../device/teach/queue.ts";
import { Board } from "../../support/board.ts";
import { withoutMosquitto } from "../../support/broker-mosquitto.ts";
import { verdictsOf } from "../../support/daemon-verdicts.ts";
import { TINY } from "../../support/embedder-tiny.ts";
import { seededRandom } from "../../support/random.ts";
import { Subscriber } from "../../support/subscriber.ts";

const ROUNDS = 6;
/** An enrollment of some items takes about so long: moments before, within and after it are all met. */
const SPAN_MS = 120;

const skip = withoutMosquitto;
const board = Board.forEachTest("mosquitto");

test(`kill -9 at ${ROUNDS} random moments of enrolling from the line: the gallery loads, has all items of an enrollment or none, and every one that was answered`, {
  skip,
}, async () => {
  const random = seededRandom(7);
  const { model } = await loadModel(TINY);
  const asked: { items: string[]; answered: boolean }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const ears = await Subscriber.connect(board.brokerPort, ["gradeline/board/#"]);
    const daemon = await board.start(board.line({ pace: "fast" }));
    await daemon.ready();
    const seen = await ears.until(() => {
      const shown = verdictsOf(ears).filter(({ views }) => views > 0);
      return shown.length >= 4 ? shown : undefined;
    });
    const items = seen.slice(0, 4).map(({ item }) => item);
    const one = { items, answered: false };
    asked.push(one);
    await ears.ask("gradeline/board/request/enroll", JSON.stringify({ grade: `grade ${round}`, items }));
    await wait(random() * SPAN_MS);
    await daemon.kill();
    one.answered = ears.json("response/enroll").some(({ status }) => status === "ok");
    await ears.close();

    const stored = (await readAnyGallery(join(board.folder, "gallery")))!;
    assert.equal(stored.warning, undefined);
    const there = new Set(stored.gallery.references.map(({ id }) => id));
    for (const { items: each, answered } of asked) {
      const found = each.filter((item) => there.has(item)).length;
      assert.ok(found === 0 || found === each.length, `${found} of ${each.length} items`);
      if (answered) assert.equal(found, each.length, "what was answered is there");
    }
    assert.ok((await loadRecipe({ gallery: join(board.folder, "gallery") }, model)).references >= 6);
    await readQueue(join(board.folder, "queue"));
  }
});
