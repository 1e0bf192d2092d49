import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Page } from "playwright-core";
import type { ItemDetail, QueueShown } from "../../../device/console/view.ts";
import { Board } from "../../support/board.ts";
import { withoutMosquitto } from "../../support/broker-mosquitto.ts";
import { browserOfFile, faultsOf, withoutBrowser } from "../../support/browser.ts";
import { type Daemon, saveTinyGallery } from "../../support/daemon.ts";
import { verdictsOf } from "../../support/daemon-verdicts.ts";
import { freePort } from "../../support/free-port.ts";
import type { Subscriber } from "../../support/subscriber.ts";
import { TOKEN } from "./asking.ts";

const skip = withoutBrowser || withoutMosquitto;
const browser = browserOfFile();
let ears: Subscriber;
let port: number;
const board = Board.forEachTest("mosquitto", async () => {
  ({ ears } = board);
  // Nothing was ever taught.
  await rm(join(board.folder, "gallery"), { recursive: true });
  await writeFile(join(board.folder, "token"), TOKEN, { mode: 0o600 });
  port = await freePort();
});

async function start(): Promise<Daemon> {
  const more = { console: { port, token: { file: join(board.folder, "token") } } };
  const daemon = await board.start(board.line({ more }));
  await daemon.ready();
  return daemon;
}

async function login(): Promise<Page> {
  const context = await (await browser()).newContext({ viewport: { width: 390, height: 800 } });
  await board.keep(context);
  const page = await context.newPage();
  await page.goto(`http://127.0.0.1:${port}/`);
  await page.getByLabel("Token of this board").fill(TOKEN);
  await page.keyboard.press("Enter");
  await page.locator(".lane").first().waitFor();
  return page;
}

test("fruit of a running line are enrolled by a click on the page, and the next verdict is another", {
  skip,
}, async () => {
  await start();
  const page = await login();
  const faults = faultsOf(page);
  const untaught = await ears.until(() => verdictsOf(ears).find(({ outcome }) => outcome === "unknown"));
  assert.deepEqual(untaught.grades, []);
  // Two at least: where one is answered before the next comes, nothing may be left to answer, now that sound is known.
  await page.getByRole("link", { name: /^Unknown ([2-9]|\d\d)/ }).click();
  await page.getByText("Nothing is enrolled yet, so every fruit is unknown.").waitFor();
  await page.locator("#unknown .answer:not(.dead)").waitFor();
  await page.locator("#unknown").getByLabel("A new grade").fill("sound");
  await page.locator("#unknown").getByRole("button", { name: "Enroll", exact: true }).click();
  await page.getByRole("status").getByText("Enrolled as sound").waitFor();
  // The first of a grade is compared with nothing of its kind; what is as near as half of all is of it.
  const taught = await ears.until(() => verdictsOf(ears).find(({ grades }) => grades.length > 0));
  assert.deepEqual(
    taught.grades.map(({ grade }) => grade),
    ["sound"],
  );
  const graded = await ears.until(() => verdictsOf(ears).find(({ outcome }) => outcome === "graded"));
  assert.equal(graded.grade, "sound");
  // A busy machine may be late; that it was taught nothing is over.
  await page.locator("#notice", { hasText: "nothing is enrolled" }).waitFor({ state: "hidden" });
  await page.locator("#unknown .choice", { hasText: "sound" }).waitFor();

  await page.getByRole("link", { name: "Map" }).click();
  await page.locator(".point.newest").waitFor();
  await page.getByRole("link", { name: "Line" }).click();
  await page.locator('.item[data-kind="grade"] a').first().focus();
  await page.keyboard.press("Enter");
  await page.getByText(/^Sound: its references cover/).waitFor();
  // A wrong grade is put right from there.
  const right = page.getByRole("group", { name: "Was it wrong?" });
  await right.getByLabel("A new grade").fill("reject");
  await right.getByLabel("Its place").selectOption({ label: "worse than all" });
  await right.getByRole("button", { name: "Enroll", exact: true }).click();
  await page.getByRole("status").getByText("Enrolled as reject. 2 fruit are enrolled").waitFor();
  await ears.until(() => verdictsOf(ears).find(({ grades }) => grades.some(({ grade }) => grade === "reject")));
  assert.deepEqual(faults, []);
});

test("what is told about an item is what its verdict was decided by", { skip }, async () => {
  await saveTinyGallery(join(board.folder, "gallery"), 6);
  await start();
  const verdicts = await ears.until(() => {
    const heard = verdictsOf(ears).filter(({ views, outcome }) => views > 0 && outcome !== "empty");
    return heard.length >= 8 ? heard : undefined;
  });
  for (const verdict of verdicts.slice(-6)) {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const response = await fetch(`http://127.0.0.1:${port}/api/item/${verdict.item}`, { headers });
    const { views, pictured, why } = (await response.json()) as ItemDetail;
    assert.deepEqual([views.length, pictured.length], [verdict.views, Math.min(12, verdict.views)]);
    assert.deepEqual([why!.outcome, why!.grade, why!.gallery], [verdict.outcome, verdict.grade, verdict.gallery]);
    for (const [rank, { grade, distance, limit, pValue, uncovered }] of why!.grades.entries()) {
      const told = verdict.grades[rank]!;
      assert.equal(grade, told.grade);
      assert.ok(Math.abs(distance! - told.distance!) < 1e-5, `${distance} ${told.distance}`);
      assert.ok(Math.abs((pValue ?? 0) - (told.pValue ?? 0)) < 1e-5);
      // One view in ten may stay uncovered.
      assert.equal(distance! > limit, uncovered.length > Math.floor(verdict.views / 10), verdict.item);
    }
  }
});

test("the page outlives a daemon that is killed: it says so, comes back by itself, and what waited still waits", {
  skip,
}, async () => {
  const first = await start();
  const page = await login();
  await page.getByRole("link", { name: /^Unknown \d/ }).click();
  await page.locator("#unknown .waiting").nth(1).waitFor();
  const picture = await page.locator("#unknown .waiting img").last().getAttribute("src");
  const waiting = decodeURIComponent(picture!.slice("/thumb/".length));
  await page.locator("#unknown .answer:not(.dead)").waitFor();
  await first.kill("SIGKILL");
  await page.getByRole("status").getByText("No answer from the board since").waitFor();
  await page.locator("#unknown").getByLabel("A new grade").fill("sound");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("no answer from the board").waitFor();
  await start();
  await page.locator("#state", { hasText: /online|degraded/ }).waitFor();
  // Its place in the row may be a newer one's by now.
  const queue = (await (await page.request.get(`http://127.0.0.1:${port}/api/queue`)).json()) as QueueShown;
  assert.ok(queue.items.some(({ item }) => item === waiting));
  await page.locator("#unknown .answer:not(.dead)").waitFor();
  await page.locator("#unknown").getByLabel("A new grade").fill("sound");
  await page.keyboard.press("Enter");
  await page.getByRole("status").getByText("Enrolled as sound").waitFor();
  await ears.until(() => verdictsOf(ears).find(({ grades }) => grades.length > 0));
});
