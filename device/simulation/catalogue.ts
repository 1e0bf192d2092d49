import fruit from "../../models/fruit.json" with { type: "json" };

/** sRGB, 0..255 each. */
export type Colour = readonly [number, number, number];
/** Lowest and highest value, drawn uniformly between. */
export type Span = readonly [number, number];

/** How one kind of fruit looks; see models/fruit.json. */
export interface Variety {
  readonly species: string;
  /** Across the stem axis. */
  readonly diameterMm: Span;
  /** Length along the stem axis over the diameter. */
  readonly heightRatio: Span;
  readonly base: Colour;
  readonly blush: Colour;
  readonly blushCover: Span;
  readonly streaks: Span;
  readonly lenticels: Span;
  readonly stemRusset: Span;
}

export interface FaultKind {
  readonly count: Span;
  /** Radians seen from the centre of the body. */
  readonly radius: Span;
  readonly colour: Colour;
  readonly opacity: Span;
  /** Width of the soft border, share of the radius. */
  readonly edge: Span;
  readonly shape: "blob" | "disc" | "net" | "folds" | "crack";
  readonly rings?: Span;
  readonly mould?: Span;
  readonly halo?: Span;
}

export interface GradeRule {
  /** Weight of each kind of fault; none for sound fruit. */
  readonly faults: Readonly<Record<string, number>>;
  /** Part of the range of radius and count from which its faults are drawn. */
  readonly size?: Span;
}

export interface Catalogue {
  readonly varieties: Readonly<Record<string, Variety>>;
  readonly strangers: Readonly<Record<string, Variety>>;
  readonly faults: Readonly<Record<string, FaultKind>>;
  readonly grades: Readonly<Record<string, GradeRule>>;
}

/** The parameters of rendered fruit that the training renderer reads as well. */
export const catalogue = fruit as unknown as Catalogue;
