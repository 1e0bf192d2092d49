import { attitude } from "./body.ts";
import { type Canvas, drawShadow } from "./canvas.ts";
import { drawBody } from "./draw-body.ts";
import { drawSprite } from "./draw-sprite.ts";
import type { Fruit } from "./items.ts";
import { EXPOSURE_MS, type Lamp, lampGain, lampOver } from "./light.ts";
import { aboutTravel, compose } from "./rotation.ts";
import { Scenery } from "./scenery.ts";
import { SensorNoise } from "./sensor.ts";
import { SkinPainter } from "./skin.ts";
import { MAP_TEXELS, makeSphereNoise, type SphereNoise } from "./sphere.ts";
import { pictureAt, readSprite, type Sprite } from "./sprites.ts";
import type { LineWorld, Placed } from "./world.ts";

/** Skins kept; more than two lanes ever show at once. */
const SKINS = 64;
/** Fruit are painted while they are still so far before the frame, a little with every frame. */
const AHEAD_MM = 300;
const STEP = Math.ceil(MAP_TEXELS / 8);
/** Pictures of real fruit kept, about 60 KB each. */
const SPRITES = 800;

/** Draws frames of a world. The same world and frame number give the same bytes, whatever was drawn before. */
export class LineRenderer {
  readonly #world: LineWorld;
  readonly #lamp: Lamp;
  readonly #noise: SensorNoise;
  readonly #scenery: Scenery;
  readonly #sphere: SphereNoise;
  readonly #skins = new Map<string, SkinPainter>();
  readonly #sprites = new Map<string, Sprite>();
  readonly #buffer: ArrayBuffer;
  /** From where the camera looks, radians about the travel. */
  readonly #angle: number;

  constructor(world: LineWorld) {
    const { config, geometry } = world;
    this.#world = world;
    this.#angle = (config.seenFrom.angleDeg * Math.PI) / 180;
    this.#lamp = lampOver(config.widthPx, config.heightPx);
    this.#noise = new SensorNoise(config.seed);
    this.#scenery = new Scenery(config, geometry, this.#lamp, this.#noise);
    this.#sphere = makeSphereNoise();
    this.#buffer = new ArrayBuffer((config.widthPx * config.heightPx * 3 + 3) & ~3);
  }

  /**
   * Reads the pictures of real fruit that frame k shows; does nothing for rendered fruit.
   *
   * @throws {GradelineError} FILE, IMAGE or IMAGE_SIZE when one cannot be read
   */
  async prepare(k: number): Promise<void> {
    if (this.#world.folder === undefined) return;
    const { config } = this.#world;
    const timeS = this.#world.frameAtS(k);
    const wanted = new Set<string>();
    for (let lane = 0; lane < config.lanes; lane++) {
      for (const item of this.#world.inView(lane, timeS)) wanted.add(this.#file(item, timeS));
    }
    const missing = [...wanted].filter((file) => !this.#sprites.has(file));
    const sidePx = Math.ceil(90 / config.mmPerPx);
    const sprites = await Promise.all(missing.map((file) => readSprite(file, sidePx)));
    for (const [i, file] of missing.entries()) this.#sprites.set(file, sprites[i]!);
    for (const file of this.#sprites.keys()) {
      if (this.#sprites.size <= SPRITES) break;
      if (!wanted.has(file)) this.#sprites.delete(file);
    }
  }

  /**
   * Draws frame k. Real fruit are shown only after {@link prepare}.
   *
   * @returns RGB8 (heightPx * widthPx * 3); valid until the next call
   */
  render(k: number): Uint8Array {
    const { config, geometry } = this.#world;
    const timeS = this.#world.frameAtS(k);
    const gain = lampGain(config, timeS);
    const bytes = config.widthPx * config.heightPx * 3;
    const out = new Uint8Array(this.#buffer, 0, bytes);
    this.#scenery.draw(out, k, timeS, gain);
    const canvas: Canvas = {
      widthPx: config.widthPx,
      heightPx: config.heightPx,
      data: new Uint8ClampedArray(this.#buffer, 0, bytes),
      lamp: this.#lamp,
      gain,
      noise: this.#noise,
      k,
      blurPx: Math.min(3, (config.speedMmPerS * EXPOSURE_MS) / 1000 / config.mmPerPx),
    };
    const { seenFrom } = config;
    const aside = Math.cos(this.#angle);
    for (let lane = 0; lane < config.lanes; lane++) {
      const items = this.#world.inView(lane, timeS);
      const centre = (lane + 0.5) * geometry.bandMm;
      const place = ({ fruit, offsetMm }: Placed): { cx: number; cy: number; travelMm: number } => {
        const x = this.#world.alongMm(offsetMm, timeS);
        return {
          cx: x / config.mmPerPx,
          cy: (centre + fruit.lateralMm * aside) / config.mmPerPx,
          // How it lies hangs on where it is on the belt, not on who looks.
          travelMm: x + seenFrom.offsetMm - geometry.widthMm / 2,
        };
      };
      for (const item of items) {
        const { cx, cy } = place(item);
        const { radiusMm, halfHeightMm, sequence } = item.fruit;
        const meanPx = (radiusMm + halfHeightMm) / 2 / config.mmPerPx;
        // The outline of a real fruit is not known here; most of the middle is covered by any.
        const coverMm = sequence === undefined ? Math.min(radiusMm, halfHeightMm) : 0.6 * radiusMm;
        drawShadow(canvas, cx, cy, meanPx, coverMm / config.mmPerPx);
      }
      for (const item of items) {
        const { cx, cy, travelMm } = place(item);
        this.#draw(canvas, lane, item, timeS, cx, cy, travelMm);
      }
      this.#paintAhead(lane, timeS);
    }
    if (seenFrom.mount !== "upright") turn(out, config.widthPx, config.heightPx, seenFrom.mount === "upside-down");
    return out;
  }

  #draw(canvas: Canvas, lane: number, item: Placed, timeS: number, cx: number, cy: number, travelMm: number): void {
    const { fruit } = item;
    const { mmPerPx } = this.#world.config;
    if (fruit.sequence !== undefined) {
      const sprite = this.#sprites.get(this.#file(item, timeS));
      if (sprite !== undefined) drawSprite(canvas, sprite, cx, cy, fruit.radiusMm / mmPerPx);
      return;
    }
    const skin = this.#skin(`${lane}-${item.index}`, fruit).finish();
    drawBody(
      canvas,
      skin,
      cx,
      cy,
      fruit.radiusMm / mmPerPx,
      fruit.halfHeightMm / mmPerPx,
      this.#angle === 0
        ? attitude(fruit.roll, travelMm)
        : compose(aboutTravel(this.#angle), attitude(fruit.roll, travelMm)),
    );
  }

  /** The picture that an item shows at a time, for real fruit. */
  #file({ fruit, offsetMm }: Placed, timeS: number): string {
    const sequence = fruit.sequence!;
    const { config } = this.#world;
    const x = this.#world.alongMm(offsetMm, timeS) + config.seenFrom.offsetMm;
    const turns = (x * fruit.roll.turnPerMm + this.#angle) / (2 * Math.PI);
    return sequence.files[pictureAt(sequence, fruit.seed % sequence.files.length, turns)]!;
  }

  #skin(key: string, fruit: Fruit): SkinPainter {
    let painter = this.#skins.get(key);
    if (painter === undefined) {
      painter = new SkinPainter(fruit, fruit.variety!, this.#sphere);
      this.#skins.set(key, painter);
      if (this.#skins.size > SKINS) this.#skins.delete(this.#skins.keys().next().value!);
    }
    return painter;
  }

  /** Paints a step of what comes into the frame next. */
  #paintAhead(lane: number, timeS: number): void {
    for (const item of this.#world.inView(lane, timeS, AHEAD_MM)) {
      if (item.fruit.variety !== undefined) this.#skin(`${lane}-${item.index}`, item.fruit).advance(STEP);
    }
  }
}

/** What a camera gives that hangs the other way up, or looks into a mirror: rows from the last to the first. */
function turn(rgb: Uint8Array, widthPx: number, heightPx: number, columns: boolean): void {
  const row = widthPx * 3;
  const spare = new Uint8Array(row);
  for (let y = 0; y < heightPx >> 1; y++) {
    const other = (heightPx - 1 - y) * row;
    spare.set(rgb.subarray(y * row, (y + 1) * row));
    rgb.copyWithin(y * row, other, other + row);
    rgb.set(spare, other);
  }
  if (!columns) return;
  const pixel = new Uint8Array(3);
  for (let y = 0; y < heightPx; y++) {
    for (let left = y * row, right = left + row - 3; left < right; left += 3, right -= 3) {
      pixel.set(rgb.subarray(left, left + 3));
      rgb.copyWithin(left, right, right + 3);
      rgb.set(pixel, right);
    }
  }
}
