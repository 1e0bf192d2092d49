import { InvalidArgumentError } from "commander";

/** A bare number under this where percent are wanted is more likely a share: 0.05 for 5 %. */
const LEAST_PERCENT = 0.5;

/**
 * Parser of an option in percent: `5`, or `5%`.
 *
 * @param bounds whether 0 and 100 are allowed
 * @returns the share, 0..1
 */
export function percent(text: string, bounds: "with 0 and 100" | "between"): number {
  const marked = percentSign(text);
  const value = marked ?? (text.trim() === "" ? Number.NaN : Number(text));
  const inside = bounds === "between" ? value > 0 && value < 100 : value >= 0 && value <= 100;
  if (!inside) {
    throw new InvalidArgumentError(
      bounds === "between" ? "wanted a number above 0 and under 100" : "wanted a number from 0 to 100",
    );
  }
  if (marked === undefined && value > 0 && value < LEAST_PERCENT) {
    throw new InvalidArgumentError(`wanted percent; ${value * 100}% if it is a share, ${value}% if it is not`);
  }
  return value / 100;
}

/** The number before a percent sign; undefined where there is none. */
function percentSign(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?|\.\d+)\s*%\s*$/.exec(text);
  return match === null ? undefined : Number(match[1]);
}
