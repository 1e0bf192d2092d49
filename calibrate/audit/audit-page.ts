import type { Gallery } from "../../device/grade/gallery.ts";
import { html } from "../html/markup.ts";
import { page } from "../html/page.ts";
import { picture } from "../html/picture.ts";
import { shortName } from "../html/short-name.ts";
import { type Finding, TITLES } from "./findings.ts";

/** More pictures would make a file that no phone opens. */
const MOST_PICTURES = 300;

/** What a finding's pictures are of. */
export interface Shown {
  readonly gallery: Gallery;
  /** Of each finding, in the order of its items. */
  readonly crops: readonly (readonly (Uint8Array | undefined)[])[];
}

/** The findings as one document, each with its pictures and what to do. */
export async function auditPage(
  folder: string,
  summary: string,
  findings: readonly Finding[],
  { gallery, crops }: Shown,
): Promise<string> {
  const references = new Map(gallery.references.map((reference) => [reference.id, reference]));
  const cards = await Promise.all(
    findings.map(async (finding, index) => {
      const pictures = index < MOST_PICTURES ? (crops[index] ?? []) : [];
      const figures = await Promise.all(
        pictures.map(async (crop, i) => {
          const id = finding.items[i]!;
          const { grade, origin } = references.get(id)!;
          const shown = await picture(
            crop,
            `reference ${origin}, of grade ${grade}, view ${(finding.views[i] ?? 0) + 1}`,
          );
          return html`<figure>${shown}<figcaption><b>${grade}</b><br>${shortName(origin)}<br><code title="${id}">${id.slice(0, 8)}</code></figcaption></figure>`;
        }),
      );
      return html`<li><h3>${TITLES[finding.kind]} <span class="${finding.severity === "problem" ? "bad" : "soft"}">${finding.severity}</span></h3>
<div class="strip">${figures}</div><p>${finding.found}</p><p class="soft">What to do: ${finding.advice}</p></li>`;
    }),
  );
  const body = html`<h1>What the references look like</h1><p class="soft"><code>${folder}</code>: ${summary}</p>
${cards.length === 0 ? html`<p class="good">Nothing was found.</p>` : html`<ul class="cards">${cards}</ul>`}`;
  return page({ title: `Audit of ${folder}`, body });
}
