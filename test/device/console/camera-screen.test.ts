import assert from "node:assert/strict";
import { test } from "node:test";
import { GradelineError } from "../../../device/base/errors.ts";
import { Looks } from "../../../device/console/looks.ts";
import type { CameraLook } from "../../../device/console/view.ts";
import { browserOfFile, faultsOf, withoutBrowser } from "../../support/browser.ts";
import { ask, listen, until } from "./asking.ts";
import { FakeStation } from "./station.ts";

const browser = browserOfFile();

test("all who look at a camera at once share one picture, and a camera that is not there gives none", async () => {
  const station = new FakeStation();
  const waiting: ((look: CameraLook | undefined) => void)[] = [];
  const looks = new Looks((camera) => {
    if (camera !== "top") return Promise.resolve(undefined);
    return new Promise((resolve) => waiting.push(resolve));
  });
  const five = Array.from({ length: 5 }, () => looks.get("top"));
  assert.equal(waiting.length, 1);
  waiting[0]!(await station.look("top"));
  const [first, ...others] = await Promise.all(five);
  assert.deepEqual([...first!.jpeg.subarray(0, 3)], [0xff, 0xd8, 0xff]);
  for (const other of others) assert.equal(other, first);
  assert.equal(await looks.get("nowhere"), undefined);
});

test("a picture that failed is asked for again", async () => {
  let calls = 0;
  const looks = new Looks(async () => {
    if (++calls === 1) throw new GradelineError("SOURCE", "camera top gives no frames", { retry: true });
    return new FakeStation().look("top");
  });
  await assert.rejects(looks.get("top"), { code: "SOURCE" });
  assert.ok((await looks.get("top")) !== undefined);
});

test("a live picture is a JPEG with what is seen in it; nothing is taken while nobody looks", async (t) => {
  const station = new FakeStation();
  const page = await listen(t, station);
  const { status, headers, body } = await ask(page, "/look/top");
  assert.equal(status, 200);
  assert.equal(headers["content-type"], "image/jpeg");
  assert.equal(headers["cache-control"], "no-store");
  assert.ok(body.length > 100);
  const seen = JSON.parse(decodeURIComponent(String(headers["x-seen"]))) as CameraLook;
  assert.deepEqual([seen.widthPx, seen.step, seen.lanes[0]!.marks[0]!.item], [320, 2, 7]);
  assert.equal((await ask(page, "/look/nowhere")).status, 404);
  assert.equal(station.looks, 1);
});

test("a camera that gives no picture says why", async (t) => {
  const station = new FakeStation();
  station.refusal = new GradelineError("SOURCE", "camera top gives no frames: unplugged", { retry: true });
  const { status, text } = await ask(await listen(t, station), "/look/top");
  assert.equal(status, 503);
  assert.match(text, /camera top gives no frames: unplugged/);
});

test("the camera screen shows it, stands still on request, and measures by two clicks", {
  skip: withoutBrowser,
}, async (t) => {
  const station = new FakeStation();
  const served = await listen(t, station);
  const context = await (await browser()).newContext({ viewport: { width: 1280, height: 900 } });
  t.after(() => context.close());
  const page = await context.newPage();
  const faults = faultsOf(page);
  await page.goto(served.url);
  await page.locator(".lane").first().waitFor();
  assert.equal(station.looks, 0);
  await page.getByRole("link", { name: "Camera" }).click();
  await until(() => station.looks >= 2);
  const canvas = page.getByRole("img", { name: "What the camera sees" });
  await page.getByText("sharpness of edges").waitFor();
  await page.getByText("turn the focus").waitFor();
  await page.getByRole("button", { name: "Freeze" }).click();
  await page.getByRole("button", { name: "Frozen" }).waitFor();
  await page.getByRole("button", { name: "Scale" }).click();
  // The picture is 320 wide, the frame 640: 80 pixels of the picture are 160 of the frame.
  const box = (await canvas.boundingBox())!;
  const scale = box.width / 320;
  await page.mouse.click(box.x + 40 * scale, box.y + 60 * scale);
  await page.mouse.click(box.x + 120 * scale, box.y + 60 * scale);
  const yaml = page.locator(".yaml");
  await yaml.getByText(/^mmPerPx: 0\.62/).waitFor();
  await page.getByRole("button", { name: "Lane's part" }).click();
  await page.mouse.click(box.x + 10 * scale, box.y + 20 * scale);
  await page.mouse.click(box.x + 310 * scale, box.y + 100 * scale);
  await yaml.getByText(/^roi: \{ x: 20, y: (39|40|41), w: (599|600|601), h: 160 \}/).waitFor();
  await page.getByRole("link", { name: "Line" }).click();
  await page.locator(".lane").first().waitFor();
  assert.deepEqual(faults, []);
});
