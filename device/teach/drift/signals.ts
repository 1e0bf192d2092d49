/** Stretches of the lane's part of the frame that are looked at one by one: what is dirty stays where it is. */
export const PLACES = 8;

/** What is followed of each lane, and the least change of a block's mean that matters. */
export const SIGNALS = {
  /** Log2 of the belt's or cups' median luminance. */
  sceneBrightness: 0.02,
  sceneWarmth: 0.03,
  sceneTint: 0.03,
  /** Of the fruit, as in `Appearance`. */
  brightness: 0.02,
  warmth: 0.02,
  tint: 0.01,
  sharpness: 0.03,
  /** Distance of the item's mean identity to the nearest reference's, 0..2; its condition's likewise. */
  identity: 0.005,
  condition: 0.005,
  /** 1 for an item that was unknown or unsure, 0 for one that was not. */
  unknown: 0.02,
} as const;

export type Signal = keyof typeof SIGNALS;
export const SIGNAL_NAMES = Object.keys(SIGNALS) as Signal[];

/** Least changes of one place against the others: of brightness and of sharpness. */
export const PLACE_FLOORS = { placeBrightness: 0.012, placeSharpness: 0.04 } as const;
export type PlaceSignal = keyof typeof PLACE_FLOORS;
export const PLACE_SIGNALS = Object.keys(PLACE_FLOORS) as PlaceSignal[];

/** What depends on what is enrolled: learnt anew when that changes. */
export const TAUGHT: readonly Signal[] = ["identity", "condition", "unknown"];

/** One item as drift is found in; a signal that it does not show is absent. */
export interface ItemSignals {
  readonly exposedAt: number;
  readonly values: Readonly<Partial<Record<Signal, number>>>;
  /** Against the item's own mean; undefined where it was not seen there. */
  readonly places: Readonly<Record<PlaceSignal, readonly (number | undefined)[]>>;
}
