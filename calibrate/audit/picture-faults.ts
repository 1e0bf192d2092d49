import type { Finding } from "./findings.ts";
import type { ViewQuality } from "./quality.ts";

/** What can be wrong with a picture, whatever else is enrolled. */
export interface PictureFault {
  readonly kind: Finding["kind"];
  readonly bad: (view: ViewQuality) => boolean;
  /** Larger is worse. */
  readonly badness: (view: ViewQuality) => number;
  readonly found: (view: ViewQuality) => string;
  readonly advice: string;
}

/**
 * A view less than this share as sharp as half of all views are is blurred; one below the other limit in any company.
 * Measured on photographs of apples, lemons and tomatoes: sharp ones from 0.176 on, 135 of them; blurred by two hundredths
 * of their width 0.08 to 0.14, but for one in twenty.
 */
const BLUR_SHARE = 0.55;
const BLUR = 0.14;
/** A fruit lies along a side of its box over more than this where the picture ended. */
const CUT_OFF = 0.55;
/** Nineteen twentieths of the fruit are darker than this. */
const DARK = 75;
const CLIPPED = 0.15;

/** @param usual median sharpness of what it is compared with; undefined: nothing is known */
export function pictureFaults(usual?: number): readonly PictureFault[] {
  return [
    {
      kind: "blurred",
      bad: ({ sharpness }) => sharpness < Math.max(BLUR, BLUR_SHARE * (usual ?? 0)),
      badness: ({ sharpness }) => -sharpness,
      found: ({ sharpness }) =>
        usual === undefined
          ? `blurred: detail ${sharpness.toFixed(2)}, usual is more than ${BLUR}`
          : `blurred: detail ${sharpness.toFixed(2)}, usual in this gallery ${usual.toFixed(2)}`,
      advice: "check focus, exposure time and the lens",
    },
    {
      kind: "cut-off",
      bad: ({ edge }) => edge > CUT_OFF,
      badness: ({ edge }) => edge,
      found: ({ edge }) => `cut off, or not told from its background: ${percent(edge)} of one side is a straight edge`,
      advice: "show the whole fruit before a plain background",
    },
    {
      kind: "exposure",
      bad: ({ bright, clipped }) => bright < DARK || clipped > CLIPPED,
      badness: ({ bright, clipped }) => (clipped > CLIPPED ? clipped : 1 - bright / 255),
      found: ({ bright, clipped }) =>
        clipped > CLIPPED
          ? `overexposed: ${percent(clipped)} of the fruit is white`
          : `too dark: hardly anything is brighter than ${Math.round((bright / 255) * 100)} %`,
      advice: "check light and exposure time",
    },
  ];
}

export function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}
