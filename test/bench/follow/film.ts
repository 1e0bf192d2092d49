import sharp from "sharp";
import type { Frame } from "../../../device/base/frame.ts";
import type { Sighting } from "../../../device/vision/follower.ts";
import { HEIGHT_PX, WIDTH_PX } from "./painter.ts";
import { follow, type Scene } from "./play.ts";

/** Pictures of a sheet, and how many lie side by side. */
const PICTURES = 40;
const ACROSS = 4;
/** A picture is drawn so many times as large. */
const ZOOM = 2;
const STRIP_PX = 14;
type Rgb = readonly [number, number, number];
const FRUIT: Rgb = [40, 255, 90];
const OTHER: Rgb = [255, 70, 220];
const INK: Rgb = [255, 255, 255];

/** Digits and a few letters, five rows of three pixels. */
const GLYPHS: Readonly<Record<string, string>> = {
  "0": "757557",
  "1": "262227",
  "2": "717747",
  "3": "717717",
  "4": "557711",
  "5": "747717",
  "6": "747757",
  "7": "711222",
  "8": "757757",
  "9": "757717",
  ".": "000002",
  s: "034216",
};
const GLYPH_ROWS = 6;

/** What one frame showed and what was told with it. */
interface Still {
  readonly t: number;
  readonly data: Uint8Array;
  readonly seen: readonly Sighting[];
}

/** Plays a scene and draws a contact sheet: boxes and numbers of the fruit, and below which were told. */
export async function writeFilm(scene: Scene, grey: boolean, path: string): Promise<void> {
  const frames = Math.round(scene.seconds * 25);
  const every = Math.max(1, Math.ceil(frames / PICTURES));
  const stills: Still[] = [];
  let pending: Sighting[] = [];
  follow(scene, grey, (frame: Frame, seen) => {
    const told = seen.filter(({ kind }) => kind === "item");
    pending.push(...told);
    if (frame.seq % every !== 0 || frame.widthPx !== WIDTH_PX) return;
    const views = seen.filter(({ kind }) => kind === "view");
    stills.push({ t: frame.exposedAt / 1e6, data: frame.data.slice(), seen: [...views, ...pending] });
    pending = [];
  });
  const down = Math.ceil(stills.length / ACROSS);
  const width = ACROSS * (WIDTH_PX * ZOOM + 4);
  const height = down * (HEIGHT_PX * ZOOM + STRIP_PX + 4);
  const sheet = new Sheet(width, height);
  for (const [i, still] of stills.entries()) {
    const x = (i % ACROSS) * (WIDTH_PX * ZOOM + 4);
    const y = Math.floor(i / ACROSS) * (HEIGHT_PX * ZOOM + STRIP_PX + 4);
    drawStill(sheet, still, still.t - stills[0]!.t, x, y);
  }
  await sharp(sheet.data, { raw: { width, height, channels: 3 } })
    .png({ palette: true })
    .toFile(path);
}

function drawStill(sheet: Sheet, still: Still, t: number, x: number, y: number): void {
  sheet.picture(still.data, x, y);
  let told = x + 70;
  sheet.text(`${t.toFixed(2)}s`, x + 2, y + HEIGHT_PX * ZOOM + 1, INK);
  for (const sighting of still.seen) {
    if (sighting.kind === "view") {
      const { box } = sighting;
      sheet.box(x + box.x * ZOOM, y + box.y * ZOOM, box.w * ZOOM, box.h * ZOOM, FRUIT);
      sheet.text(String(sighting.item), x + (box.x + box.w / 2) * ZOOM - 6, y + (box.y + box.h / 2) * ZOOM - 6, INK);
    } else {
      const text = String(sighting.item);
      sheet.text(text, told, y + HEIGHT_PX * ZOOM + 1, sighting.presence === "fruit" ? FRUIT : OTHER);
      told += text.length * 8 + 10;
    }
  }
}

/** A picture to draw on. */
class Sheet {
  readonly data: Uint8Array;
  readonly #width: number;
  readonly #height: number;

  constructor(width: number, height: number) {
    this.data = new Uint8Array(width * height * 3).fill(24);
    this.#width = width;
    this.#height = height;
  }

  picture(data: Uint8Array, x: number, y: number): void {
    for (let row = 0; row < HEIGHT_PX * ZOOM; row++) {
      for (let col = 0; col < WIDTH_PX * ZOOM; col++) {
        const from = (Math.floor(row / ZOOM) * WIDTH_PX + Math.floor(col / ZOOM)) * 3;
        this.#dot(x + col, y + row, [data[from]!, data[from + 1]!, data[from + 2]!]);
      }
    }
  }

  box(x: number, y: number, w: number, h: number, colour: Rgb): void {
    for (let i = 0; i <= w; i++) {
      this.#dot(x + i, y, colour);
      this.#dot(x + i, y + h, colour);
    }
    for (let i = 0; i <= h; i++) {
      this.#dot(x, y + i, colour);
      this.#dot(x + w, y + i, colour);
    }
  }

  text(text: string, x: number, y: number, colour: Rgb): void {
    for (const [i, letter] of [...text].entries()) {
      const glyph = GLYPHS[letter] ?? "000000";
      for (let row = 0; row < GLYPH_ROWS * 2; row++) {
        const bits = Number(glyph[row >> 1]);
        for (let col = 0; col < 6; col++) {
          if (((bits >> (2 - (col >> 1))) & 1) === 1) this.#dot(x + i * 8 + col, y + row, colour);
        }
      }
    }
  }

  #dot(x: number, y: number, [r, g, b]: Rgb): void {
    const [col, row] = [Math.round(x), Math.round(y)];
    if (col < 0 || row < 0 || col >= this.#width || row >= this.#height) return;
    const at = (row * this.#width + col) * 3;
    this.data[at] = r;
    this.data[at + 1] = g;
    this.data[at + 2] = b;
  }
}
