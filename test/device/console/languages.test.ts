import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { inLanguage, type Language, languages, readWords } from "../../../device/console/languages.ts";
import { reasonCodes } from "../../../device/contract/reasons.ts";
import { browserOfFile, contentWidthPx, faultsOf, withoutBrowser } from "../../support/browser.ts";
import { ask, listen } from "./asking.ts";
import { because, FakeStation } from "./station.ts";

const words = await readWords();
const english = words.get("en")!;
const browser = browserOfFile();
const values = (text: string): string[] => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();

for (const [language, texts] of words) {
  test(`${languages[language]} has every text, with every value in it`, () => {
    for (const [key, text] of Object.entries(english)) {
      assert.ok(texts[key] !== undefined && texts[key].trim() !== "", key);
      assert.deepEqual(values(texts[key]), values(text), key);
    }
    const more = Object.keys(texts).filter((key) => !Object.hasOwn(english, key) && !/\.(few|many)$/.test(key));
    assert.deepEqual(more, [], "texts that nothing asks for");
  });
}

test("every reason of the state has its words, and every number its forms", () => {
  for (const code of reasonCodes) assert.ok(english[`reason.${code}`], code);
  const numbers = Object.keys(english).filter((key) => key.endsWith(".other"));
  assert.ok(numbers.length > 0);
  for (const key of numbers) {
    const form = (language: Language, number: string): string | undefined =>
      words.get(language)![key.replace(/other$/, number)];
    for (const language of words.keys()) assert.ok(form(language, "one"), `${language} ${key}`);
  }
  // "2 owoce", but "5 owoców".
  assert.notEqual(words.get("pl")!["undo.fruit.few"], words.get("pl")!["undo.fruit.many"]);
});

test("the page is written in the language that its address, the last choice, or the browser names, in this order", async (t) => {
  const page = await listen(t);
  const langOf = async (path: string, headers: Record<string, string> = {}): Promise<string> => {
    const { text, headers: answered } = await ask(page, path, { headers });
    const lang = /<html lang="([^"]+)">/.exec(text)![1]!;
    assert.equal(answered["content-language"], lang);
    return lang;
  };
  assert.equal(await langOf("/"), "en");
  assert.equal(await langOf("/", { "accept-language": "fr-CA, de;q=0.9" }), "fr");
  assert.equal(await langOf("/", { "accept-language": "ja, de-AT;q=0.4, pl;q=0.8" }), "pl");
  assert.equal(await langOf("/", { "accept-language": "de;q=0, *" }), "en");
  const cookie = (await ask(page, "/?lang=es")).headers["set-cookie"]![0]!;
  assert.match(cookie, /^gradeline-language=es; Path=\/; SameSite=Strict; Max-Age=\d+$/);
  const chosen = { cookie: `other=1; ${cookie.split(";", 1)[0]}`, "accept-language": "de" };
  assert.equal(await langOf("/wall", chosen), "es");
  assert.equal(await langOf("/?lang=it", chosen), "it");
  for (const path of ["/?lang=xx", "/?lang=constructor", "/?lang=../en", "/?lang="])
    assert.equal(await langOf(path), "en");
  assert.equal((await ask(page, "/?lang=xx")).headers["set-cookie"], undefined);
  for (const language of Object.keys(languages)) {
    assert.equal(await langOf(`/wall?lang=${language}`), language);
    assert.ok((await ask(page, "/")).text.includes(`<a href="?lang=${language}" lang="${language}"`), language);
  }
});

test("the form for the token is in the language of the browser, too, and no page keeps a text unfilled", async (t) => {
  const page = await listen(t, new FakeStation(), { token: "0123456789abcdef0123456789abcdef" });
  const { status, text } = await ask(page, "/", { headers: { "accept-language": "de" } });
  assert.equal(status, 401);
  assert.match(text, /<html lang="de">[\s\S]*Zugangswort dieses Geräts/);
  for (const name of ["index", "wall", "login"]) {
    const html = readFileSync(`device/console/page/${name}.html`, "utf8");
    for (const language of Object.keys(languages) as Language[]) {
      assert.doesNotMatch(inLanguage(html, language, words.get(language)!), /\{\{/);
    }
  }
});

test("a text of the catalogue never becomes markup", () => {
  assert.equal(inLanguage("<p>{{a}}</p>", "de", { a: `<b title="x">&` }), "<p>&lt;b title=&quot;x&quot;&gt;&amp;</p>");
  assert.throws(() => inLanguage("{{missing}}", "de", {}), /no text missing in de/);
});

test("by a click the page speaks another language, and stays where it was", { skip: withoutBrowser }, async (t) => {
  const station = new FakeStation();
  station.status_ = { ...station.status_, state: "degraded", ...because("camera a: no frame for 4 s") };
  const served = await listen(t, station);
  const context = await (await browser()).newContext({ viewport: { width: 1280, height: 800 }, locale: "en" });
  t.after(() => context.close());
  const page = await context.newPage();
  const faults = faultsOf(page);
  await page.goto(`${served.url}#unknown`);
  await page.getByText("Nothing waits").waitFor();
  await page.getByRole("link", { name: "Deutsch" }).click();
  await page.getByText("Nichts wartet").waitFor();
  await page.getByText("Eine Kamera liefert keine Bilder").first().waitFor();
  assert.match(page.url(), /\?lang=de#unknown$/);
  assert.equal(await page.getByRole("link", { name: "Deutsch" }).getAttribute("aria-current"), "true");
  assert.deepEqual(faults, []);
});

test("the wall shows every lane at 1024 by 768 without scrolling, in its colour, with the reason", {
  skip: withoutBrowser,
}, async (t) => {
  const station = new FakeStation();
  const served = await listen(t, station);
  const context = await (await browser()).newContext({ viewport: { width: 1024, height: 768 }, locale: "de" });
  t.after(() => context.close());
  const page = await context.newPage();
  const faults = faultsOf(page);
  await page.goto(`${served.url}wall`);
  const lane = page.getByRole("region", { name: "a", exact: true });
  await lane.getByText("sortiert").waitFor();
  assert.equal(await lane.getAttribute("data-tone"), "good");
  station.pass({ grade: "second" });
  await lane.getByText("second").first().waitFor();
  station.status_ = {
    ...station.status_,
    state: "degraded",
    reasons: ["lane a: it is dark"],
    causes: [{ code: "dark", lane: "a", message: "lane a: it is dark", hint: "check the lamp" }],
  };
  await lane.getByText("Die Bilder sind zu dunkel (a)").waitFor();
  assert.equal(await lane.getAttribute("data-tone"), "bad");
  const other = page.getByRole("region", { name: "b", exact: true });
  assert.equal(await other.getAttribute("data-tone"), "good");
  assert.ok((await contentWidthPx(page)) <= 1024);
  for (const band of await page.getByRole("region").all()) {
    const { x, y, width, height } = (await band.boundingBox())!;
    assert.ok(x >= 0 && y >= 0 && x + width <= 1024 && y + height <= 768, JSON.stringify({ x, y, width, height }));
  }
  const back = (await page.getByRole("link", { name: "Linie" }).boundingBox())!;
  assert.ok(back.width >= 60 && back.height >= 60);
  assert.deepEqual(faults, []);
});
