/**
 * Colours that people with any colour vision tell apart, on light and on dark.
 *
 * @see Okabe, Ito 2008, "Color universal design"; yellow and black are left out, one of the grounds would swallow them
 */
const COLOURS = ["#009e73", "#e69f00", "#d55e00", "#0072b2", "#cc79a7", "#56b4e9", "#8c6bb1", "#7f7f7f"];

/** Every grade its own, from the first; beyond eight they come again, and only the marks differ. */
export function colourOf(index: number): string {
  return COLOURS[index % COLOURS.length]!;
}
