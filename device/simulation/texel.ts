/** Mixes a colour into a texel [red, green, blue, gloss]; the share is cut to 0..1. */
export function mix(texel: Float64Array, red: number, green: number, blue: number, share: number): void {
  const s = Math.max(0, Math.min(1, share));
  texel[0] = texel[0]! + (red - texel[0]!) * s;
  texel[1] = texel[1]! + (green - texel[1]!) * s;
  texel[2] = texel[2]! + (blue - texel[2]!) * s;
}

/** Makes a texel's colour darker or lighter. */
export function shade(texel: Float64Array, by: number): void {
  texel[0] = texel[0]! * by;
  texel[1] = texel[1]! * by;
  texel[2] = texel[2]! * by;
}
