import { html } from "../html/markup.ts";
import { page } from "../html/page.ts";
import { picture } from "../html/picture.ts";
import { type Finding, TITLES } from "./findings.ts";

/** More pictures would make a file that no phone opens. */
const MOST_PICTURES = 300;

/** @param crops of each finding, in the order of its items */
export async function auditPage(
  folder: string,
  summary: string,
  findings: readonly Finding[],
  crops: readonly (readonly (Uint8Array | undefined)[])[],
): Promise<string> {
  const cards = await Promise.all(
    findings.map(async (finding, index) => {
      const pictures = index < MOST_PICTURES ? (crops[index] ?? []) : [];
      const figures = await Promise.all(
        pictures.map(
          async (crop, i) =>
            html`<figure>${await picture(crop, `reference ${finding.items[i]}, view ${(finding.views[i] ?? 0) + 1}`)}<figcaption><code>${finding.items[i]}</code></figcaption></figure>`,
        ),
      );
      return html`<li><h3>${TITLES[finding.kind]} <span class="${finding.severity === "problem" ? "bad" : "soft"}">${finding.severity}</span></h3>
<div class="strip">${figures}</div><p>${finding.found}</p><p class="soft">What to do: ${finding.advice}</p></li>`;
    }),
  );
  const body = html`<h1>What the references look like</h1><p class="soft"><code>${folder}</code>: ${summary}</p>
${cards.length === 0 ? html`<p class="good">Nothing was found.</p>` : html`<ul class="cards">${cards}</ul>`}`;
  return page({ title: `Audit of ${folder}`, body });
}
