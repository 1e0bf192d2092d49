import type { Canvas } from "./canvas.ts";
import type { Sprite } from "./sprites.ts";

/**
 * Lays a picture of a real fruit on the frame: scaled to its diameter, under the line's lamp, with the sensor's noise.
 * The picture brings its own shading.
 *
 * @param cx centre, pixels, as cy
 */
export function drawSprite(canvas: Canvas, sprite: Sprite, cx: number, cy: number, radiusPx: number): void {
  const { widthPx, heightPx, data, lamp, gain } = canvas;
  const noise = canvas.noise.signed;
  const picture = sprite.data;
  const scale = sprite.diameterPx / (2 * radiusPx);
  const left = Math.max(0, Math.floor(cx - sprite.cx / scale));
  const right = Math.min(widthPx - 1, Math.ceil(cx + (sprite.widthPx - sprite.cx) / scale));
  const top = Math.max(0, Math.floor(cy - sprite.cy / scale));
  const bottom = Math.min(heightPx - 1, Math.ceil(cy + (sprite.heightPx - sprite.cy) / scale));
  const stride = sprite.widthPx * 4;
  for (let row = top; row <= bottom; row++) {
    const v = (row + 0.5 - cy) * scale + sprite.cy - 0.5;
    const iv = Math.floor(v);
    if (iv < 0 || iv >= sprite.heightPx - 1) continue;
    const fv = v - iv;
    const rowLight = lamp.rows[row]! * gain;
    let n = canvas.noise.start(canvas.k, row) + left * 3;
    let at = (row * widthPx + left) * 3;
    for (let column = left; column <= right; column++, at += 3, n += 3) {
      const u = (column + 0.5 - cx) * scale + sprite.cx - 0.5;
      const iu = Math.floor(u);
      if (iu < 0 || iu >= sprite.widthPx - 1) continue;
      const fu = u - iu;
      const a = iv * stride + iu * 4;
      const b = a + stride;
      // Colours are weighted by the cover, so that what lies outside the fruit does not shine through its edge.
      const w00 = (1 - fu) * (1 - fv) * picture[a + 3]!;
      const w01 = fu * (1 - fv) * picture[a + 7]!;
      const w10 = (1 - fu) * fv * picture[b + 3]!;
      const w11 = fu * fv * picture[b + 7]!;
      const cover = w00 + w01 + w10 + w11;
      if (cover < 1) continue;
      const share = cover / 255;
      const light = (lamp.columns[column]! * rowLight) / cover;
      for (let c = 0; c < 3; c++) {
        const colour =
          picture[a + c]! * w00 + picture[a + 4 + c]! * w01 + picture[b + c]! * w10 + picture[b + 4 + c]! * w11;
        const value = colour * light + noise[n + c]!;
        data[at + c] = data[at + c]! + share * (value - data[at + c]!);
      }
    }
  }
}
