import { html, type Markup, svg } from "../html/markup.ts";
import { page } from "../html/page.ts";
import { dataUri } from "../html/picture.ts";
import { MAP_HEIGHT, MAP_WIDTH, type MapDrawing, PLOT_WIDTH } from "./draw.ts";
import type { MapPoint } from "./points.ts";

/** More pictures would make a file that no phone opens; the others have their name only. */
const MOST_PICTURES = 1500;

const STYLE = `
.map { position: relative; background: #fff; border: 1px solid var(--line); border-radius: .5rem; }
.map svg { display: block; width: 100%; border-radius: inherit; }
.map button { position: absolute; width: 1.5rem; height: 1.5rem; margin: -.75rem 0 0 -.75rem; padding: 0; border: 0;
  border-radius: 50%; background: transparent; cursor: pointer; }
.map button:hover, .map button:focus { z-index: 2; outline: 3px solid #1c2126; }
.map button span { display: none; position: absolute; top: 1.8rem; left: 50%; transform: translateX(-50%);
  width: 8.5rem; padding: .4rem; background: #fff; color: #1c2126; border: 1px solid #5a636c; border-radius: .4rem;
  box-shadow: 0 2px 8px #0005; font: .8rem/1.3 system-ui, sans-serif; text-align: left; pointer-events: none; }
.map button.left span { left: 0; transform: none; } .map button.right span { left: auto; right: 0; transform: none; }
.map button.low span { top: auto; bottom: 1.8rem; }
.map button:hover span, .map button:focus span { display: block; }
ul.legend { display: none; flex-wrap: wrap; gap: .2rem 1rem; padding: 0; list-style: none; }
ul.legend svg { width: 1.4rem; vertical-align: middle; }
.map img { width: 100%; height: auto; margin-bottom: .3rem; }
body { max-width: 80rem; }
/* A phone has the legend under the map, and letters and marks large enough to be seen. */
@media (max-width: 40rem) {
  .scroll { overflow: hidden; } .map { width: ${((MAP_WIDTH / PLOT_WIDTH) * 100).toFixed(2)}%; border: 0; }
  .map g.legend { display: none; } ul.legend { display: flex; }
  .map svg text { font-size: 24px; }
  .map .mark path { transform-box: fill-box; transform-origin: center; transform: scale(1.8); }
}
@media print { .map button { display: none; } }
`;

export interface MapPageParts {
  readonly points: readonly MapPoint[];
  readonly drawing: MapDrawing;
  readonly title: string;
  /** Sentences under the title. */
  readonly notes: readonly string[];
  readonly onPicture?: (done: number) => void;
}

/** The map with a picture for each point, shown where it is pointed at, tapped or focused; needs no script. */
export async function mapPage({ points, drawing, title, notes, onPicture }: MapPageParts): Promise<string> {
  const spots: Markup[] = [];
  for (const [index, point] of points.entries()) {
    const crop = index < MOST_PICTURES ? await point.crop() : undefined;
    const [x, y] = drawing.places[index]!;
    const text = `${point.name}: ${point.grade ?? "waits for its grade"}${point.kind === "new" ? ", not enrolled" : ""}`;
    const side = x < MAP_WIDTH * 0.15 ? "left" : x > PLOT_WIDTH - MAP_WIDTH * 0.15 ? "right" : "";
    const place = `left: ${((x / MAP_WIDTH) * 100).toFixed(2)}%; top: ${((y / MAP_HEIGHT) * 100).toFixed(2)}%`;
    spots.push(
      html`<button type="button" class="${side}${y > MAP_HEIGHT * 0.6 ? " low" : ""}" style="${place}" aria-label="${text}"><span>${
        crop === undefined ? null : html`<img src="${await dataUri(crop, 75)}" alt="" width="96" height="96">`
      }${text}</span></button>
`,
    );
    onPicture?.(index + 1);
  }
  const body = html`<h1>${title}</h1>
${notes.map((note) => html`<p class="soft">${note}</p>`)}
<div class="scroll" tabindex="0" role="region" aria-label="map"><div class="map">${drawing.svg}
${spots}</div></div>
<ul class="legend">${drawing.legend.map(({ mark, text }) => html`<li>${svg`<svg viewBox="-12 -12 24 24" width="24" height="24" aria-hidden="true">${mark}</svg>`} ${text}</li>`)}</ul>`;
  return page({ title, body, style: STYLE });
}
