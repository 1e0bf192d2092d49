import sharp from "sharp";
import { svg } from "../html/markup.ts";
import { rasterize } from "../html/raster.ts";
import { type Finding, TITLES } from "./findings.ts";

const CELL = 128;
const TEXT_PX = 560;
const PAD = 12;
const ROW = CELL + 2 * PAD;
/** More rows make a picture that no viewer opens. */
const MOST_ROWS = 60;

/**
 * Findings as one picture: a row each, its views and what was found.
 *
 * @param crops of each finding, square RGB8; undefined where a picture is gone
 * @returns a PNG file's bytes
 */
export async function contactSheet(
  findings: readonly Finding[],
  crops: readonly (readonly (Uint8Array | undefined)[])[],
): Promise<Buffer> {
  const rows = findings.slice(0, MOST_ROWS);
  const width = 2 * (CELL + PAD) + TEXT_PX + PAD;
  const height = Math.max(1, rows.length) * ROW;
  const text = svg`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="DejaVu Sans, Verdana, sans-serif" font-size="14">
<rect width="${width}" height="${height}" fill="#fff"/>
${rows.map((finding, row) => {
  const x = 2 * (CELL + PAD) + PAD;
  const y = row * ROW;
  const lines = [
    ...wrap(finding.found, 68)
      .slice(0, 4)
      .map((line) => ({ line, fill: "#1c2126" })),
    ...wrap(finding.advice, 68)
      .slice(0, 2)
      .map((line) => ({ line, fill: "#5a636c" })),
  ];
  return svg`<path d="M0 ${y + ROW - 0.5}H${width}" stroke="#d5dae0"/>
<text x="${x}" y="${y + 26}" font-weight="bold" fill="${finding.severity === "problem" ? "#a33c00" : "#1c2126"}">${TITLES[finding.kind]}: ${finding.other === undefined ? finding.grade : `${finding.grade} and ${finding.other}`}</text>
${lines.map(({ line, fill }, i) => svg`<text x="${x}" y="${y + 48 + i * 18}" fill="${fill}">${line}</text>`)}`;
})}${rows.length === 0 ? svg`<text x="${PAD}" y="80">Nothing was found.</text>` : null}</svg>`;
  const pictures = await Promise.all(
    rows.flatMap((_, row) =>
      (crops[row] ?? []).slice(0, 2).map(async (crop, column) => {
        if (crop === undefined) return [];
        const side = Math.sqrt(crop.length / 3);
        const input = await sharp(crop, { raw: { width: side, height: side, channels: 3 } })
          .resize(CELL, CELL, { kernel: "cubic" })
          .png()
          .toBuffer();
        return [{ input, left: PAD + column * (CELL + PAD), top: row * ROW + PAD }];
      }),
    ),
  );
  return sharp(await rasterize(Buffer.from(text.text)))
    .composite(pictures.flat())
    .png()
    .toBuffer();
}

function wrap(text: string, letters: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ").flatMap((part) => part.match(new RegExp(`.{1,${letters}}`, "gu")) ?? [])) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= letters) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
