import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import sharp from "sharp";
import { chromiumPath } from "../support/browser.ts";

/**
 * Takes the pictures of README and of the console's page from the running demo: `npm run pictures [-- STATE]`. It needs
 * chromium. A folder STATE keeps the demo's gallery, so that the next run need not enroll again.
 *
 * Another machine draws other fruit numbers and times; the demo's seed makes the fruit the same.
 */
const PICTURES = fileURLToPath(new URL("../../device/console/pictures/", import.meta.url));
const DEMO = fileURLToPath(new URL("../../device/demo/main.ts", import.meta.url));
const DIAGRAM = fileURLToPath(new URL("../../device/console/pictures/way.svg", import.meta.url));
const SEED = 7;
/** Items on the page before the first picture; it shows 16 of each lane. */
const ITEMS = 28;
const WIDTH_PX = 1280;
const HEIGHT_PX = 800;
/** Resolves in the page when every picture that is a background is there. */
const BACKGROUNDS = `Promise.all([...document.querySelectorAll("#item .cut")].map((cut) => {
  const image = new Image();
  image.src = cut.style.backgroundImage.slice(5, -2);
  return image.decode();
}))`;
const PATIENCE_MS = 120_000;
const COLOURS = 256;

const kept = process.argv[2];
const state = kept ?? (await mkdtemp(join(tmpdir(), "gradeline-pictures-")));
const demo = spawn(process.execPath, [DEMO, "--seed", String(SEED), "--state", state], {
  stdio: ["ignore", "ignore", "pipe"],
});
let browser: Browser | undefined;
try {
  browser = await chromium.launch({ executablePath: chromiumPath(), args: ["--no-sandbox", "--disable-gpu"] });
  await drawDiagram(browser);
  const address = await addressOf(demo);
  const context = await browser.newContext({
    viewport: { width: WIDTH_PX, height: HEIGHT_PX },
    locale: "en-GB",
    bypassCSP: true,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(address);
  await page.locator(`#lanes li.item >> nth=${ITEMS - 1}`).waitFor({ state: "attached" });
  await take(page, "line");
  await page.goto(`${address}#unknown`);
  await page.locator("#unknown .view").first().waitFor();
  await page.locator("#unknown .answer:not(.dead)").waitFor();
  await take(page, "unknown");
  await page.goto(`${address}#map`);
  await page.locator(".point.newest").waitFor();
  await take(page, "map");
  await page.goto(`${address}#line`);
  await page.locator("#lanes li.item a").first().click();
  await page.locator("#item .view").first().waitFor();
  // The references beside it are backgrounds, which nothing waits for.
  await page.evaluate(BACKGROUNDS);
  await take(page, "item");
} finally {
  await browser?.close();
  demo.kill("SIGINT");
  await once(demo, "exit");
  if (kept === undefined) await rm(state, { recursive: true, force: true });
}

/** Where the demo's page is, once it has enrolled its references. */
async function addressOf({ stderr }: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: stderr! })) {
    const address = /^page (\S+)/.exec(line)?.[1];
    if (address !== undefined) {
      stderr!.resume();
      return address;
    }
    process.stderr.write(`${line}\n`);
  }
  throw new Error("the demo ended before it opened its page");
}

async function take(page: Page, name: string): Promise<void> {
  await page.waitForFunction("[...document.images].every((image) => image.complete)");
  await save(await page.screenshot(), name);
}

async function save(png: Uint8Array, name: string): Promise<void> {
  const path = join(PICTURES, `${name}.png`);
  const { size, width, height } = await sharp(png).png({ palette: true, colours: COLOURS, effort: 10 }).toFile(path);
  console.log(`${path}  ${width} x ${height}  ${Math.round(size / 1024)} KiB`);
}

/** The diagram as the browser draws it, so that it can be looked at: README shows the SVG itself. */
async function drawDiagram(by: Browser): Promise<void> {
  const page = await by.newPage({ viewport: { width: 960, height: 272 } });
  await page.goto(`file://${DIAGRAM}`);
  await save(await page.screenshot(), "way");
  await page.close();
}
