import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { checkHistory } from "../../../calibrate/doctor/history.ts";
import { checkKeeps } from "../../../calibrate/doctor/keeps.ts";
import type { Config } from "../../../device/config/schema.ts";
import { CeilingFile } from "../../../device/publish/journal-ceiling.ts";
import { journalConfig } from "../../support/verdicts.ts";

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "gradeline-history-"));
  await work(folder).finally(() => rm(folder, { recursive: true, force: true }));
}

test("how many hours 1 GB holds is said by the line's own rate, or by that of a fast one", () =>
  inFolder(async (folder) => {
    const path = join(folder, "journal.sqlite");
    const config = { journal: journalConfig({ path }), lanes: [{}] } as unknown as Config;
    assert.match(checkHistory(config).text, /^history: 1 GB hold 28 hours at 10\.0 verdicts\/s, were it a fast line$/);
    const ceiling = CeilingFile.open(`${path}.seq`);
    ceiling.write({
      ...{ epoch: "0a1b2c3d", firstId: 1, lastId: 8000, tick: 2000, clean: true },
      ...{ lanes: [], sinks: [], lost: 0, skipped: 0, damaged: 0 },
    });
    ceiling.close();
    await writeFile(path, Buffer.alloc(4_000_000));
    assert.match(checkHistory(config).text, /^history: 1 GB hold 139 hours at 4\.0 verdicts\/s$/);
  }));

test("a mosquitto on this machine that does not keep what it acknowledged is warned of, with what to do", () =>
  inFolder(async (folder) => {
    const check = (host = "127.0.0.1", version = " (mosquitto version 2.0.11)") => checkKeeps(version, host, folder);
    assert.equal(await check(), undefined, "nothing is known of it");
    await writeFile(join(folder, "mosquitto.conf"), "persistence true\n#autosave_on_changes true\n");
    const found = await check();
    assert.equal(found?.level, "warning");
    assert.match(found?.text ?? "", /loses what it has acknowledged/);
    assert.deepEqual([await check("broker.plant"), await check("localhost", " (EMQX)")], [undefined, undefined]);
    await mkdir(join(folder, "conf.d"));
    await writeFile(join(folder, "conf.d", "gradeline.conf"), "autosave_on_changes   true\n");
    assert.equal((await check("[::1]"))?.level, "ok");
  }));
