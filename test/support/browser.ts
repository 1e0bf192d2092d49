import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after } from "node:test";
import { type Browser, chromium, type Locator, type Page } from "playwright-core";

const found = spawnSync("sh", ["-c", "command -v chromium"], { encoding: "utf8" });
const executablePath = found.stdout.trim();

/** Why a test that needs a browser is skipped; false where there is one. */
export const withoutBrowser: string | false = executablePath === "" && "needs apt-get install chromium";

/** @throws {Error} where there is no chromium */
export function chromiumPath(): string {
  if (withoutBrowser !== false) throw new Error(withoutBrowser);
  return executablePath;
}

/** A headless Chromium with a profile of its own. */
function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/**
 * One browser for the tests of a file: launched by the first that asks for it, closed after the last. Not by a hook
 * `before`: where no test of the file is chosen, Node runs the hook `after` without waiting for it, and the browser stays.
 */
export function browserOfFile(): () => Promise<Browser> {
  let launched: Promise<Browser> | undefined;
  after(async () => (await launched)?.close());
  return () => {
    launched ??= launchBrowser();
    return launched;
  };
}

/** Errors of a page's scripts and of its content security policy, as they come. */
export function faultsOf(page: Page): string[] {
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    // Chromium reports what a daemon that is away refuses; that is the page's business, not a fault.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
      faults.push(message.text());
    }
  });
  return faults;
}

// What the functions below, which run in the browser, use of its world; the types of this project know no DOM.
interface Style {
  getPropertyValue(name: string): string;
}
interface Node {
  readonly textContent: string;
  getAttribute(name: string): string | null;
  decode(): Promise<void>;
}
declare const document: {
  readonly activeElement: Node;
  readonly cookie: string;
  readonly documentElement: { readonly scrollWidth: number };
  dispatchEvent(event: Event): boolean;
};
declare function getComputedStyle(element: Node): Style;

/** Text of the element that has the focus. */
export function focusedText(page: Page): Promise<string> {
  return page.evaluate(() => document.activeElement.textContent);
}

export function hasFocus(element: Locator): Promise<boolean> {
  return element.evaluate((node) => (node as unknown) === document.activeElement);
}

/** Value of a CSS property as the browser computed it. */
export function styleOf(element: Locator, property: string): Promise<string> {
  return element.evaluate((node, name) => getComputedStyle(node as unknown as Node).getPropertyValue(name), property);
}

/** An attribute of every element found. */
export function attributesOf(elements: Locator, name: string): Promise<(string | null)[]> {
  return elements.evaluateAll((nodes, key) => nodes.map((node) => (node as unknown as Node).getAttribute(key)), name);
}

/** Resolves when the picture is there, rejects when it is none. */
export function decoded(image: Locator): Promise<void> {
  return image.evaluate((node) => (node as unknown as Node).decode());
}

/** Cookies that the page's own scripts can read. */
export function readableCookies(page: Page): Promise<string> {
  return page.evaluate(() => document.cookie);
}

/** Width of all there is, shown or scrolled to, in CSS pixels. */
export function contentWidthPx(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth);
}

/** Tells the page that somebody looks at it, or nobody. */
export function setVisibility(page: Page, state: "visible" | "hidden"): Promise<boolean> {
  return page.evaluate((value) => {
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => value });
    return document.dispatchEvent(new Event("visibilitychange"));
  }, state);
}

/**
 * What axe-core finds against WCAG 2.2 AA, one line each. The page's context must bypass its content security policy.
 *
 * @see https://github.com/dequelabs/axe-core
 */
export async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8"));
  const { violations } = (await page.evaluate(
    "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })",
  )) as { violations: { id: string; help: string; nodes: { html: string; failureSummary: string }[] }[] };
  return violations.map(
    ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`,
  );
}
