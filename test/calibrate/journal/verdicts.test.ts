import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { printVerdicts } from "../../../calibrate/journal/print.ts";
import { journalVerdicts } from "../../../calibrate/journal/verdicts.ts";
import type { Config } from "../../../device/config/schema.ts";
import { Journal } from "../../../device/publish/journal.ts";
import { PLANT } from "../../../device/publish/journal-file.ts";
import { draft, journalConfig } from "../../support/verdicts.ts";

test("kept verdicts are read beside the running daemon, by lane, number and time, also when the plant has them", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "gradeline-kept-"));
  const path = join(folder, "journal.sqlite");
  const journal = await Journal.open(journalConfig({ path }));
  t.after(async () => {
    await journal.close();
    await rm(folder, { recursive: true, force: true });
  });
  const grade = '=1+1, "x"';
  for (let n = 1; n <= 30; n++) await journal.append({ ...draft("a", n), grade });
  await journal.append(draft("b", 31));
  journal.cursor(PLANT).ack((await journal.cursor(PLANT).read(100)).map(({ id }) => id));
  const seqs = (wanted: Parameters<typeof journalVerdicts>[1]) =>
    [...journalVerdicts(path, wanted)].map(({ seq }) => seq);
  assert.equal(seqs({}).length, 31);
  assert.deepEqual(seqs({ lane: "a", from: "28" }), [28, 29, 30]);
  assert.deepEqual(seqs({ lane: "a", limit: 2 }), [29, 30]);
  const { decidedAt } = draft("a", 5);
  assert.deepEqual(seqs({ from: decidedAt, to: decidedAt }), [5]);
  assert.throws(() => seqs({ from: "monday" }), { code: "USAGE", message: /--from is "monday"/ });
  let text = "";
  printVerdicts({ journal: { path } } as Config, { lane: "a", from: "1", to: "1" }, "csv", (part) => {
    text += part;
  });
  const [head, row] = text.split("\r\n");
  assert.equal(head!.split(",").slice(0, 6).join(), "epoch,lane,seq,item,outcome,grade");
  assert.match(row!, /^[0-9a-f]{8},a,1,a-run-1,graded,"'=1\+1, ""x""",0\.42,9,/);
});
