import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Page } from "playwright-core";
import type { Console } from "../../../device/console/server.ts";
import {
  attributesOf,
  browserOfFile,
  contentWidthPx,
  decoded,
  faultsOf,
  focusedText,
  hasFocus,
  readableCookies,
  setVisibility,
  styleOf,
  withoutBrowser,
} from "../../support/browser.ts";
import { cpuProof } from "../../support/proof-made.ts";
import { listen, TOKEN, until } from "./asking.ts";
import { because, FakeStation, laneStatus, shadowStatus } from "./station.ts";

const skip = withoutBrowser;
const browser = browserOfFile();

/** A page as a browser shows it that was never here: its own cookies and cache. */
async function freshPage(t: TestContext, widthPx: number): Promise<Page> {
  const context = await (await browser()).newContext({ viewport: { width: widthPx, height: 800 } });
  t.after(() => context.close());
  return context.newPage();
}

interface Opened {
  readonly page: Page;
  readonly station: FakeStation;
  readonly served: Console;
  readonly faults: readonly string[];
}

async function openPage(t: TestContext, station = new FakeStation(), widthPx = 1280): Promise<Opened> {
  const served = await listen(t, station);
  const page = await freshPage(t, widthPx);
  const faults = faultsOf(page);
  await page.goto(served.url);
  await page.locator(".lane").first().waitFor();
  return { page, station, served, faults };
}

test("an item appears in its lane as it passes, with picture, grade, margin and size", { skip }, async (t) => {
  const { page, station, faults } = await openPage(t);
  const lane = page.getByRole("region", { name: "a", exact: true });
  await lane.getByText("No fruit yet").waitFor();
  station.pass({ grade: "second", margin: 0.17, sizeMm: 68.2, late: true, cup: 12 });
  const item = lane.getByRole("listitem").filter({ hasText: "68 mm" });
  await item.waitFor();
  assert.equal(await item.textContent(), "latecup 12second68 mmmargin 0.17");
  await decoded(item.locator("img"));
  assert.equal(await lane.getByText("No fruit yet").isVisible(), false);
  const other = page.getByRole("region", { name: "b", exact: true });
  assert.equal(await other.getByText("No fruit yet").isVisible(), true);
  assert.deepEqual(faults, []);
});

test("counts, times, camera, model and broker follow the status", { skip }, async (t) => {
  const { page, station } = await openPage(t);
  const outcomes = { graded: 90, unknown: 8, unsure: 2, foreign: 0, empty: 0, "no-image": 0 };
  station.status_ = {
    ...station.status_,
    lanes: [laneStatus("a", { items: 100, outcomes, grades: { sound: 75, reject: 15 }, late: 3, perMinute: 240 })],
    model: {
      ...station.status_.model,
      provider: "cuda",
      proof: {
        ...cpuProof,
        precision: "fp16",
        nodes: { counts: { CUDAExecutionProvider: 142 }, from: "profile" },
        gpu: { name: "Orin", driver: "12.6", capability: "8.7" },
      },
    },
    broker: { ...station.status_.broker, pendingVerdicts: 1234 },
  };
  const counts = page.getByRole("list", { name: "Counts of lane a" });
  await counts.getByText("75 %").waitFor();
  assert.deepEqual(await counts.locator(".name").allTextContents(), [
    "sound",
    "second",
    "reject",
    "unknown",
    "unsure",
    "late",
  ]);
  assert.deepEqual(await counts.locator("b").allTextContents(), ["75", "0", "15", "8", "2", "3"]);
  assert.equal(await page.locator(".lane").count(), 1);
  const system = page.getByRole("complementary", { name: "System" });
  assert.match(
    (await system.textContent())!,
    /exposure to broker1731.*waiting1,234 verdicts.*runs onCUDA, fp16, Orin.*proof142 nodes on CUDA, 8 known views agree exactly/,
  );
});

test("a grade is told by its shape and its word, not by colour alone, and unknown looks otherwise", {
  skip,
}, async (t) => {
  const { page, station } = await openPage(t);
  for (const grade of ["sound", "second", "reject"]) station.pass({ grade });
  station.pass({ outcome: "unknown", grade: null, margin: -0.4 });
  const items = page.getByRole("list", { name: /Latest items of lane a/ }).getByRole("listitem");
  await items.nth(3).waitFor();
  const shapes = await attributesOf(items.locator(".grade path"), "d");
  assert.equal(new Set(shapes).size, 4);
  assert.deepEqual(await items.locator(".grade").allTextContents(), ["unknown", "reject", "second", "sound"]);
  const borders = await Promise.all([0, 1, 2, 3].map((index) => styleOf(items.nth(index), "border-left-style")));
  assert.deepEqual(borders, ["dashed", "solid", "solid", "solid"]);
});

test("the page says so while the daemon is away, and goes on by itself when it is back", { skip }, async (t) => {
  const { page, station, served, faults } = await openPage(t);
  station.pass({ sizeMm: 61 });
  await page.getByText("61 mm").waitFor();
  const port = Number(new URL(served.url).port);
  await served.close();
  await page.getByRole("status").getByText("No answer from the board since").waitFor();
  assert.equal(await page.locator("#state").textContent(), "no connection");
  assert.match(await page.title(), /no connection/);
  const restarted = new FakeStation();
  await listen(t, restarted, { port });
  await page.getByRole("status").getByText("Connected again").waitFor();
  assert.equal(await page.locator("#state").textContent(), "online");
  assert.equal(await page.getByText("61 mm").count(), 0);
  restarted.pass({ sizeMm: 77 });
  await page.getByText("77 mm").waitFor();
  assert.deepEqual(faults, []);
});

test("what is wrong with the station stands on top and is announced", { skip }, async (t) => {
  const { page, station } = await openPage(t);
  assert.equal(await page.getByRole("status").count(), 0);
  station.status_ = { ...station.status_, state: "degraded", ...because("camera top: no frame for 4 s") };
  const notice = page.getByRole("status");
  await notice.getByText("camera top: no frame for 4 s").waitFor();
  assert.equal(await notice.getAttribute("aria-live"), "polite");
  assert.equal(await page.locator("#state").textContent(), "degraded");
});

test("with a token the page asks for it, keeps it over a reload, and asks again when it has changed", {
  skip,
}, async (t) => {
  const first = await listen(t, new FakeStation(), { token: TOKEN });
  const port = Number(new URL(first.url).port);
  const page = await freshPage(t, 1280);
  const field = page.getByLabel("Token of this board");
  await page.goto(first.url);
  assert.equal(await hasFocus(field), true);
  await field.fill("not the token");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("not this board's token").waitFor();
  await field.fill(TOKEN);
  await page.keyboard.press("Enter");
  await page.locator(".lane").first().waitFor();
  await page.reload();
  await page.locator(".lane").first().waitFor();
  assert.equal(await readableCookies(page), "");
  await first.close();
  await listen(t, new FakeStation(), { port, token: "another-token-of-this-board" });
  await field.waitFor();
});

test("a phone shows everything without scrolling sideways, whatever the names", { skip }, async (t) => {
  const long = "W".repeat(32);
  const grades = Array.from({ length: 8 }, (_, i) => `Class ${i} ${"wide ".repeat(6)}`.trim());
  const outcomes = { graded: 99_999, unknown: 99_999, unsure: 9999, foreign: 0, empty: 99_999, "no-image": 999 };
  const counts = Object.fromEntries(grades.map((grade) => [grade, 1_234_567]));
  const base = new FakeStation().status();
  const station = new FakeStation({
    device: long,
    state: "degraded",
    ...because(long + long),
    gallery: { ...base.gallery, grades },
    lanes: [
      laneStatus(long, { items: 999_999, outcomes, grades: counts, late: 999, perMinute: 1200, paused: true }),
      laneStatus("b"),
    ],
    broker: { ...base.broker, url: `mqtts://${"very-long-name.".repeat(5)}example:8883` },
  });
  const { page } = await openPage(t, station, 390);
  for (let i = 0; i < 20; i++) station.pass({ lane: long, grade: grades[i % 8]!, cup: 1000 + i });
  await page.getByText("cup 1019").waitFor();
  for (const widthPx of [390, 320, 768]) {
    await page.setViewportSize({ width: widthPx, height: 800 });
    const wide = await contentWidthPx(page);
    assert.ok(wide <= widthPx, `${wide} px at ${widthPx}`);
  }
  const hold = await page.getByRole("button").first().boundingBox();
  assert.ok(hold !== null && hold.height >= 40, "a finger cannot hit the button");
});

test("with the keyboard one walks lanes and items; the item in focus stays while others come", { skip }, async (t) => {
  const { page, station } = await openPage(t);
  for (let i = 0; i < 5; i++) station.pass({ sizeMm: 60 + i });
  station.pass({ lane: "b", sizeMm: 80 });
  await page.getByText("64 mm").waitFor();
  await page.getByText("80 mm").waitFor();
  for (const screen of ["Line", "Unknown ", "Map", "Camera", "Wall"]) {
    await page.keyboard.press("Tab");
    assert.equal(await focusedText(page), screen);
  }
  await page.keyboard.press("Tab");
  assert.equal(await focusedText(page), "Hold");
  await page.keyboard.press("Tab");
  assert.match(await focusedText(page), /64 mm/);
  await page.keyboard.press("ArrowRight");
  assert.match(await focusedText(page), /63 mm/);
  await page.keyboard.press("End");
  assert.match(await focusedText(page), /60 mm/);
  station.pass({ sizeMm: 99 });
  await page.getByRole("button", { name: "Held, 1 newer" }).waitFor();
  assert.equal(await page.getByText("99 mm").count(), 0);
  assert.match(await focusedText(page), /60 mm/);
  await page.keyboard.press("Escape");
  await page.getByText("99 mm").waitFor();
  assert.equal(await focusedText(page), "Hold");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  assert.match(await focusedText(page), /80 mm/);
  assert.equal(await styleOf(page.locator(":focus"), "outline-style"), "solid");
});

test("hold keeps the items in sight until it is let go", { skip }, async (t) => {
  const { page, station } = await openPage(t);
  station.pass({ sizeMm: 60 });
  await page.getByText("60 mm").waitFor();
  const button = page.getByRole("button").first();
  await button.click();
  station.pass({ sizeMm: 61 });
  station.pass({ sizeMm: 62 });
  await page.getByRole("button", { name: "Held, 2 newer", pressed: true }).click();
  await page.getByText("62 mm").waitFor();
  assert.equal(await button.getAttribute("aria-pressed"), "false");
});

test("a lane without items says what to do: enroll, or look at the camera, or start the conveyor", {
  skip,
}, async (t) => {
  const { page, station } = await openPage(t);
  const lane = page.getByRole("region", { name: "a", exact: true });
  await lane.getByText("Start the conveyor").waitFor();
  const [camera] = station.status_.cameras;
  station.status_ = {
    ...station.status_,
    cameras: [{ ...camera!, state: "reconnecting", reason: "no answer from 192.168.0.20" }],
  };
  await lane.getByText("no answer from 192.168.0.20").waitFor();
  station.status_ = { ...station.status_, gallery: { hash: "0".repeat(64), grades: [], items: 0 } };
  await lane.getByText("gradeline-calibrate enroll").waitFor();
});

test("what has changed on a lane stands beside it, with the day and what to do", { skip }, async (t) => {
  const since = "2027-01-14T08:00:00.000000Z";
  const drift = [{ lane: "a", title: "the light has changed", since, text: "Clean the lamp." }];
  const { page, station } = await openPage(t, new FakeStation({ drift }));
  const system = page.getByRole("complementary", { name: "System" });
  await system.getByText("a: the light has changed").waitFor();
  await system.getByText("since 14 Jan, ").waitFor();
  await system.getByText("Clean the lamp.").waitFor();
  station.status_ = { ...station.status_, drift: [] };
  await system.getByText("Clean the lamp.").waitFor({ state: "hidden" });
});

test("names that look like markup stay text", { skip }, async (t) => {
  const bad = "<img src=x onerror=document.title='broken'>";
  const base = new FakeStation().status();
  const station = new FakeStation({
    device: bad,
    ...because(bad),
    gallery: { ...base.gallery, grades: [bad] },
    lanes: [laneStatus("a", { grades: { [bad]: 1 } })],
    drift: [{ lane: bad, title: bad, since: "2027-01-14T08:00:00.000000Z", text: bad }],
    cameras: [{ ...base.cameras[0]!, id: bad, state: "reconnecting", reason: bad }],
    broker: { ...base.broker, url: bad, reason: bad },
  });
  const { page, faults } = await openPage(t, station);
  station.pass({ grade: bad, item: "a/../<b>&?#" });
  await page.locator(".item").waitFor();
  assert.equal(await page.locator("h1").textContent(), bad);
  assert.equal(await page.locator("img[src=x]").count(), 0);
  await decoded(page.locator(".item img"));
  assert.deepEqual(faults, []);
});

test("a page in the background lets its connection go and takes it up again", { skip }, async (t) => {
  const { page, served, station } = await openPage(t);
  assert.equal(served.clients, 1);
  await setVisibility(page, "hidden");
  await until(() => served.clients === 0);
  station.pass({ sizeMm: 66 });
  await setVisibility(page, "visible");
  await page.getByText("66 mm").waitFor();
  assert.equal(served.clients, 1);
});

test("the page is light or dark as the system is", { skip }, async (t) => {
  const { page } = await openPage(t);
  const ground = async (colorScheme: "light" | "dark") => {
    await page.emulateMedia({ colorScheme });
    return styleOf(page.locator("body"), "background-color");
  };
  assert.equal(await ground("light"), "rgb(236, 238, 239)");
  assert.equal(await ground("dark"), "rgb(14, 17, 19)");
});

test("which recipe is active and how the one in the shadow would decide stands beside the lanes, each difference a way to its item", {
  skip,
}, async (t) => {
  const { page, station, faults } = await openPage(t);
  const system = page.getByRole("complementary", { name: "System" });
  const shadow = system.locator("section.shadow");
  await system.getByText("none, as configured").waitFor();
  assert.equal(await shadow.isVisible(), false);
  const { item } = station.pass({ grade: "sound" });
  station.status_ = {
    ...station.status_,
    recipe: { name: "apples-3+", since: "2027-01-15T08:00:00.000000Z", previous: "configuration" },
    shadow: shadowStatus([item]),
  };
  await shadow.getByText("apples-4").waitFor();
  assert.match((await system.textContent())!, /Recipeactiveapples-3, taught since.*beforenone, as configured/);
  assert.match(
    (await shadow.textContent())!,
    /1,880 the same, 120 different, 6\.0 %; 14 left out, the line goes first/,
  );
  assert.deepEqual(await shadow.locator("tbody tr").allTextContents(), ["soundsecond100", "unknownreject20"]);
  await shadow.getByRole("link", { name: item }).click();
  await page.getByRole("region", { name: "Item" }).getByText("sound").first().waitFor();
  station.status_ = { ...station.status_, shadow: null };
  await shadow.waitFor({ state: "hidden" });
  assert.deepEqual(faults, []);
});

test("a lane's band says how it is; an alarm stays until it is acknowledged, with its begin and end", {
  skip,
}, async (t) => {
  const { page, station, faults } = await openPage(t);
  const lane = page.getByRole("region", { name: "a", exact: true });
  await lane.locator(".lane-state", { hasText: "grading" }).waitFor();
  const dark = { code: "dark", lane: "a", message: "lane a: it is dark", hint: "check the lamp" } as const;
  const slow = { code: "provider", message: "slower than it could be", hint: "see info" } as const;
  station.status_ = { ...station.status_, state: "degraded", reasons: [dark.message], causes: [dark, slow] };
  await lane.locator('.lane-state[data-tone="bad"]', { hasText: "lane a: it is dark" }).waitFor();
  const other = page.getByRole("region", { name: "b", exact: true });
  await other.locator('.lane-state[data-tone="good"]').waitFor();
  const alarms = page.getByRole("region", { name: "Alarms" });
  await alarms.getByRole("alert").getByText("lane a: it is dark").waitFor();
  assert.equal(await alarms.getByText("slower than it could be").count(), 0);
  station.status_ = { ...station.status_, state: "online", reasons: [], causes: [] };
  await lane.locator('.lane-state[data-tone="good"]').waitFor();
  await alarms.getByText(/^\d\d:\d\d:\d\d – \d\d:\d\d:\d\d: lane a: it is dark$/).waitFor();
  await alarms.getByRole("button", { name: "Acknowledge" }).click();
  await alarms.getByRole("alert").waitFor({ state: "hidden" });
  assert.deepEqual(faults, []);
});
