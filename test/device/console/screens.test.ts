import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Page } from "playwright-core";
import { GradelineError } from "../../../device/base/errors.ts";
import type { MapShown } from "../../../device/console/view.ts";
import {
  browserOfFile,
  contentWidthPx,
  faultsOf,
  focusedText,
  hasFocus,
  setVisibility,
  styleOf,
  violationsOf,
  withoutBrowser,
} from "../../support/browser.ts";
import { listen, until } from "./asking.ts";
import { FakeStation, shadowStatus } from "./station.ts";

const skip = withoutBrowser;
const browser = browserOfFile();

interface Opened {
  readonly page: Page;
  readonly station: FakeStation;
  readonly url: string;
  readonly faults: readonly string[];
}

async function openPage(t: TestContext, station: FakeStation, hash = "", widthPx = 1280): Promise<Opened> {
  const { url } = await listen(t, station);
  const context = await (await browser()).newContext({
    viewport: { width: widthPx, height: 800 },
    reducedMotion: "reduce",
  });
  t.after(() => context.close());
  const page = await context.newPage();
  const faults = faultsOf(page);
  await page.goto(`${url}${hash}`);
  await page.locator("#state", { hasText: station.status_.state }).waitFor();
  return { page, station, url, faults };
}

function mapOf(): MapShown {
  const grades = ["sound", "second", "reject"];
  const references = Array.from({ length: 9 }, (_, i) => ({
    id: "ref-1",
    grade: grades[i % 3]!,
    x: (i % 3) - 1,
    y: Math.floor(i / 3) - 1,
  })).map((reference, i) => ({ ...reference, id: i === 0 ? "ref-1" : `ref-${i + 1}` }));
  return { gallery: "cd".repeat(8), references, enrolled: 9, explained: [0.4, 0.2], items: [] };
}

/** Resolves when the fruit that is asked about can be answered. */
function alive(page: Page): Promise<void> {
  return page.locator("#unknown .answer:not(.dead)").waitFor();
}

test("an item's page says why it got its grade, with its views beside the nearest references", { skip }, async (t) => {
  const station = new FakeStation();
  const { page, faults } = await openPage(t, station);
  const { item } = station.pass({ outcome: "unknown", grade: null, margin: -0.2 });
  await page.locator(".item a").click();
  await page
    .getByText("Not sound: no reference covers view 3: the nearest is second 0.41")
    .waitFor({ state: "hidden" });
  await page.getByText("Not second: no reference covers view 3: the nearest is second 0.41, limit 0.38.").waitFor();
  assert.equal(new URL(page.url()).hash, `#item/${item}`);
  const views = page.getByRole("region", { name: "Views" });
  assert.equal(await views.getByRole("button").count(), 4);
  assert.equal(await views.getByRole("button", { pressed: true }).textContent(), "3: second 0.41, not covered");
  assert.match((await views.locator(".compared").textContent())!, /view 3.*second 0\.41over the limit 0\.38/);
  const grades = page.getByRole("region", { name: "Grades" }).getByRole("row");
  assert.deepEqual(await grades.nth(1).getByRole("cell").allTextContents(), ["0.41", "0.35", "0.04", "3"]);
  await views.getByRole("button").first().click();
  assert.match((await views.locator(".compared").textContent())!, /view 1/);
  await page.goBack();
  await page.locator(".item").waitFor();
  assert.equal(await hasFocus(page.locator(".item a")), true);
  await page.keyboard.press("Enter");
  await page.getByText("Not second").waitFor();
  assert.deepEqual(faults, []);
});

test("the views of an item that several cameras saw stand side by side by camera; one that saw nothing is said", {
  skip,
}, async (t) => {
  const station = new FakeStation();
  const { page, faults } = await openPage(t, station);
  const cameras = { cameras: ["top", "left"], cameraViews: [3, 1], camerasMissing: ["right"], views: 4 };
  station.pass({ ...cameras, outcome: "unknown", grade: null });
  await page.locator(".item a").click();
  const views = page.getByRole("region", { name: "Views" });
  await views.waitFor();
  const counts = [];
  for (const name of ["camera top", "camera left", "camera right"]) {
    counts.push(await views.getByRole("group", { name }).getByRole("button").count());
  }
  assert.deepEqual(counts, [3, 1, 0]);
  await views.getByRole("group", { name: "camera right" }).getByText("It saw nothing of this item.").waitFor();
  const [top, left] = await Promise.all(
    ["camera top", "camera left"].map((name) => views.getByRole("group", { name }).boundingBox()),
  );
  assert.ok(Math.abs(top!.y - left!.y) < 2 && left!.x > top!.x + top!.width - 1, "side by side");
  await views.getByRole("group", { name: "camera left" }).getByRole("button").click();
  assert.match((await views.locator(".compared").textContent())!, /view 4/);
  assert.deepEqual(faults, []);
});

test("a link to an item opens it, and one that is not kept any more says so", { skip }, async (t) => {
  const station = new FakeStation();
  const { item } = station.pass({ item: "a b/<i>&?#" });
  const { page, url, faults } = await openPage(t, station, `#item/${encodeURIComponent(item)}`);
  await page.getByRole("heading", { name: "Item 1 of lane a" }).waitFor();
  assert.equal(await page.locator(".lanes").isVisible(), false);
  await page.goto(`${url}#item/gone`);
  await page.getByRole("heading", { name: "Not kept any more" }).waitFor();
  await page.goto(`${url}#item/%ff`);
  await page.goto(`${url}#constructor`);
  await page.locator(".lanes").waitFor();
  assert.deepEqual(faults, []);
});

test("the unknown queue is answered by a click, a key, a new name, or dismissed", { skip }, async (t) => {
  const station = new FakeStation();
  const ids = Array.from({ length: 6 }, () => station.pass({ outcome: "unknown", grade: null }).item);
  const { page, faults } = await openPage(t, station, "#unknown");
  await page.getByText("6 wait").waitFor();
  const answered = (count: number) => until(() => station.taught.length === count);
  await page.getByRole("button", { name: "second" }).first().click();
  await page.getByRole("status").getByText("Enrolled as second").waitFor();
  await page.getByRole("heading", { name: "Unknown fruit" }).focus();
  await alive(page);
  await page.keyboard.press("3");
  await answered(2);
  await alive(page);
  await page.getByLabel("A new grade").and(page.locator("#unknown input")).fill("Class II");
  await page.locator("#unknown").getByLabel("Its place").selectOption({ label: "better than reject" });
  await page.getByRole("button", { name: "Enroll", exact: true }).click();
  await answered(3);
  // A digit that is typed into a name is no answer.
  await page.locator("#unknown input").pressSequentially("1");
  await page.getByRole("button", { name: "Dismiss" }).click();
  await page.getByRole("status").getByText("Dismissed.").waitFor();
  assert.deepEqual(
    station.taught.map(({ grade, items, newGradeBefore }) => [grade, items[0], newGradeBefore]),
    [
      ["second", ids[5], undefined],
      ["reject", ids[4], undefined],
      ["Class II", ids[3], "reject"],
      [null, ids[2], undefined],
    ],
  );
  await page.locator("#unknown .waiting").nth(1).waitFor();
  assert.equal(await page.locator("#unknown .waiting").count(), 2);
  await page.locator("#waiting", { hasText: "2" }).waitFor();
  assert.deepEqual(faults, []);
});

test("where nothing is enrolled yet, the first grade needs no place", { skip }, async (t) => {
  const station = new FakeStation();
  station.status_ = { ...station.status_, gallery: { ...station.status_.gallery, grades: [], items: 0 } };
  const { item } = station.pass({ outcome: "unknown", grade: null });
  const { page } = await openPage(t, station, "#unknown");
  await alive(page);
  assert.equal(await page.locator("#unknown .place").isVisible(), false);
  await page.locator("#unknown input").fill("sound");
  await page.keyboard.press("Enter");
  await until(() => station.taught.length === 1);
  assert.deepEqual(station.taught, [{ grade: "sound", items: [item] }]);
});

test("answers are dead until the picture of the fruit is in sight; a burst of keys labels nothing unseen", {
  skip,
}, async (t) => {
  const station = new FakeStation();
  const ids = Array.from({ length: 4 }, () => station.pass({ outcome: "unknown", grade: null }).item);
  const { page, url } = await openPage(t, station);
  // A network on which pictures take as long as the test wants.
  const held = new Map<string, () => Promise<void>>();
  await page.route("**/views/*", (route) => {
    held.set(decodeURIComponent(new URL(route.request().url()).pathname.split("/").at(-1)!), () => route.continue());
  });
  await page.goto(`${url}#unknown`);
  await until(() => held.has(ids[3]!));
  const answer = page.locator("#unknown .answer");
  await answer.getByText("The picture is loading").waitFor();
  for (let n = 0; n < 5; n++) await page.keyboard.press("1");
  await page.locator("#unknown .choice").first().click({ force: true });
  assert.deepEqual(station.taught, []);
  await held.get(ids[3]!)!();
  await alive(page);
  for (let n = 0; n < 5; n++) await page.keyboard.press("1");
  await until(() => held.has(ids[2]!));
  await answer.getByText("The picture is loading").waitFor();
  assert.deepEqual(station.taught, [{ grade: "sound", items: [ids[3]] }]);
});

test("what was answered or dismissed is taken back by a click, and the fruit wait again", { skip }, async (t) => {
  const station = new FakeStation();
  for (let n = 0; n < 3; n++) station.pass({ outcome: "unknown", grade: null });
  const { page, faults } = await openPage(t, station, "#unknown");
  await page.getByRole("button", { name: "second" }).first().click();
  const undo = page.locator("#unknown .undo");
  await undo.getByText("Undo: 1 fruit enrolled as second").click();
  await page.getByRole("status").getByText("Taken back: 1 fruit enrolled as second.").waitFor();
  await page.getByText("3 wait").waitFor();
  await undo.waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Several at once" }).click();
  for (const at of [0, 2]) await page.locator("#unknown .waiting").nth(at).click();
  await page.getByRole("button", { name: "2 chosen" }).waitFor();
  await page.getByRole("button", { name: "Dismiss" }).click();
  await until(() => station.taught.length === 1);
  assert.deepEqual([station.taught[0]!.grade, station.taught[0]!.items.length], [null, 2]);
  await undo.getByText("Undo: 2 fruit dismissed").click();
  await page.getByText("3 wait").waitFor();
  assert.deepEqual(station.taught, []);
  assert.deepEqual(faults, []);
});

test("an answer that the board refuses says why, and the item goes on waiting", { skip }, async (t) => {
  const station = new FakeStation();
  const { item } = station.pass({ outcome: "unknown", grade: null });
  station.refusal = new GradelineError("GALLERY", "another process writes to the gallery", { retry: true });
  const { page } = await openPage(t, station, "#unknown");
  await page.getByRole("button", { name: "sound", exact: true }).click();
  await page.getByRole("alert").getByText("another process writes to the gallery").waitFor();
  await page.locator("#unknown .waiting").waitFor();
  station.refusal = undefined;
  await page.getByRole("button", { name: "sound", exact: true }).click();
  await page.getByText("Nothing waits").waitFor();
  assert.deepEqual(station.taught, [{ grade: "sound", items: [item] }]);
});

test("the item that somebody looks at stays chosen and in sight while newer ones come", { skip }, async (t) => {
  const station = new FakeStation();
  const { item } = station.pass({ outcome: "unknown", grade: null });
  const { page } = await openPage(t, station, "#unknown", 390);
  const chosen = page.locator("#unknown .waiting[aria-current]");
  await chosen.waitFor();
  for (let i = 0; i < 40; i++) station.pass({ outcome: "unknown", grade: null });
  await page.getByText("41 wait").waitFor();
  assert.equal(await chosen.getAttribute("aria-label"), "unknown, item 1 of lane a");
  const box = (await chosen.boundingBox())!;
  assert.ok(box.x >= 0 && box.x + box.width <= 390, `at ${box.x}`);
  await page.getByRole("button", { name: "sound", exact: true }).click();
  await until(() => station.taught.length === 1);
  assert.deepEqual(station.taught, [{ grade: "sound", items: [item] }]);
});

test("a wrong grade is put right on the item's own page", { skip }, async (t) => {
  const station = new FakeStation();
  const { item } = station.pass({ grade: "reject" });
  const { page } = await openPage(t, station, `#item/${item}`);
  await page.getByRole("group", { name: "Was it wrong?" }).getByRole("button", { name: "sound", exact: true }).click();
  await page.getByRole("status").getByText("Enrolled as sound. 25 fruit are enrolled").waitFor();
  assert.deepEqual(station.taught, [{ grade: "sound", items: [item] }]);
});

test("with the keyboard alone: from the line to the queue, through it, and an item answered", { skip }, async (t) => {
  const station = new FakeStation();
  const ids = Array.from({ length: 3 }, () => station.pass({ outcome: "unknown", grade: null }).item);
  const { page } = await openPage(t, station);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  assert.equal(await focusedText(page), "Unknown 3");
  assert.equal(await styleOf(page.locator(":focus"), "outline-style"), "solid");
  await page.keyboard.press("Enter");
  await page.locator("#unknown .waiting[aria-current]").waitFor();
  assert.equal(await focusedText(page), "Unknown fruit");
  await page.keyboard.press("ArrowRight");
  assert.equal(await hasFocus(page.locator("#unknown .waiting[aria-current]")), true);
  await alive(page);
  await page.keyboard.press("2");
  await until(() => station.taught.length === 1);
  assert.deepEqual(station.taught[0], { grade: "second", items: [ids[1]] });
  assert.equal(await hasFocus(page.locator("#unknown .waiting[aria-current]")), true);
  await alive(page);
  await page.keyboard.press("Delete");
  await until(() => station.taught.length === 2);
  assert.deepEqual(station.taught[1], { grade: null, items: [ids[0]] });
});

test("the map shows references and each item as it passes, and tells of the point in focus", { skip }, async (t) => {
  const station = new FakeStation();
  station.map_ = mapOf();
  const { page, faults } = await openPage(t, station, "#map");
  const points = page.locator(".point");
  await points.nth(8).waitFor();
  await page.getByText("The plane shows 60 %").waitFor();
  station.pass({ grade: "second", gallery: "cd".repeat(8) });
  await page.locator(".point.newest").waitFor();
  await page.locator(".point.newest").focus();
  const card = page.locator(".card");
  await card.getByRole("link", { name: "Why this grade?" }).waitFor();
  await page.keyboard.press("ArrowLeft");
  await card.getByText("enrolled").waitFor();
  const box = (await page.locator(".point.passed .ring").boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await card.getByRole("link").click();
  await page.getByRole("heading", { name: "Item 1 of lane a" }).waitFor();
  assert.deepEqual(faults, []);
});

test("a page that was open while the daemon was updated loads the new one", { skip }, async (t) => {
  const station = new FakeStation();
  const { page, faults } = await openPage(t, station, "#map");
  let loads = 0;
  page.on("load", () => loads++);
  const items = {};
  const snapshot = `event: snapshot\ndata: ${JSON.stringify({ page: "newer", status: station.status_, items })}\n\n`;
  await page.route("**/events", (route) => route.fulfill({ contentType: "text/event-stream", body: snapshot }), {
    times: 1,
  });
  const loaded = page.waitForEvent("load");
  await setVisibility(page, "hidden");
  await setVisibility(page, "visible");
  await loaded;
  await page.locator("#state", { hasText: "online" }).waitFor();
  assert.equal(loads, 1);
  assert.equal(new URL(page.url()).hash, "#map");
  assert.deepEqual(faults, []);
});

test("hours of fruit leave no more on the page than is shown", { skip }, async (t) => {
  const station = new FakeStation();
  station.map_ = mapOf();
  const { page } = await openPage(t, station, "#map");
  await page.locator(".point").first().waitFor();
  const pass = async (count: number) => {
    for (let i = 0; i < count; i++) station.pass({ gallery: "cd".repeat(8) });
    const last = station.pass({ gallery: "cd".repeat(8) });
    await page.getByRole("img", { name: `item ${last.seq} of lane a` }).waitFor();
    return page.locator("*").count();
  };
  // No more at once than the feed lets a page fall behind.
  let elements = 0;
  for (let hour = 0; hour < 8; hour++) elements = await pass(150);
  assert.equal(await page.locator(".point").count(), 9 + 40);
  assert.ok((await page.locator(".item").count()) <= 16);
  assert.ok(elements < 1500, `${elements} elements`);
});

test("no screen is wider than a phone, and nothing in it breaks the rules for people who see or hear little", {
  skip,
}, async (t) => {
  const station = new FakeStation();
  station.map_ = mapOf();
  const { url } = await listen(t, station);
  for (let i = 0; i < 30; i++) station.pass({ outcome: "unknown", grade: null, item: `a-${"x".repeat(60)}-${i}` });
  const { item } = station.pass();
  station.status_ = { ...station.status_, shadow: shadowStatus([item, `a-${"x".repeat(60)}-1`]) };
  for (const colorScheme of ["light", "dark"] as const) {
    const viewport = { width: 360, height: 740 };
    const context = await (await browser()).newContext({
      viewport,
      colorScheme,
      reducedMotion: "reduce",
      bypassCSP: true,
    });
    t.after(() => context.close());
    const page = await context.newPage();
    for (const [hash, ready] of [
      ["#line", ".item"],
      ["#unknown", ".detail"],
      ["#map", ".point"],
      [`#item/${item}`, ".detail"],
    ] as const) {
      await page.goto(url + hash);
      await page.locator(`${ready}:visible`).first().waitFor();
      const wide = await contentWidthPx(page);
      assert.ok(wide <= viewport.width, `${hash} is ${wide} px wide`);
      assert.deepEqual(await violationsOf(page), [], `${hash} ${colorScheme}`);
    }
  }
});
