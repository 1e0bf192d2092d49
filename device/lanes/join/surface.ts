/** Seen this far from where the camera looks, a surface is too slanted to tell faults on it. */
const SLANT = Math.cos((65 * Math.PI) / 180);
const POINTS = 500;

/**
 * Share of a round fruit's surface that cameras see which look at it from these sides. It is what they see of one that
 * lies still; one that rolls shows more.
 *
 * @param anglesDeg of each camera about the travel: 0 from above, 90 from the right
 * @returns 0..1, to a hundredth
 */
export function surfaceSeen(anglesDeg: readonly number[]): number {
  let seen = 0;
  for (let i = 0; i < POINTS; i++) {
    // Evenly over the sphere, on a spiral (Vogel).
    const x = 1 - (2 * i + 1) / POINTS;
    const radius = Math.sqrt(1 - x * x);
    const turn = i * Math.PI * (3 - Math.sqrt(5));
    const y = radius * Math.cos(turn);
    const z = radius * Math.sin(turn);
    for (const angle of anglesDeg) {
      const a = (angle * Math.PI) / 180;
      if (y * Math.sin(a) + z * Math.cos(a) < SLANT) continue;
      seen++;
      break;
    }
  }
  return Math.round((100 * seen) / POINTS) / 100;
}
