import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { seededRandom } from "./random.ts";

type Colour = readonly [number, number, number];

/** Colours of painted fruit; the tiny model sees nothing else. */
export const COLOURS: Readonly<Record<string, Colour>> = {
  sound: [60, 160, 50],
  second: [190, 170, 40],
  reject: [110, 60, 30],
  unknown: [40, 60, 200],
};

/** A photograph: a disc of a colour before a light background, 64 by 64 pixels. */
export async function paintPhoto(path: string, colour: Colour, seed: number): Promise<void> {
  const random = seededRandom(seed);
  const radius = 18 + 8 * random();
  const [x, y] = [32 + 4 * (random() - 0.5), 32 + 4 * (random() - 0.5)];
  const shade = 0.85 + 0.3 * random();
  const data = new Uint8Array(64 * 64 * 3);
  for (let p = 0; p < 64 * 64; p++) {
    const inside = Math.hypot((p % 64) - x, Math.floor(p / 64) - y) < radius;
    for (let c = 0; c < 3; c++) {
      data[p * 3 + c] = inside ? Math.min(255, colour[c]! * shade * (0.9 + 0.2 * random())) : 235;
    }
  }
  const picture = sharp(data, { raw: { width: 64, height: 64, channels: 3 } });
  await (path.endsWith(".png") ? picture.png() : picture.jpeg({ quality: 95 })).toFile(path);
}

/** Paints FOLDER/GRADE/ITEM/VIEW.jpg with as many items of each grade as are wanted. */
export async function paintFolders(folder: string, items: Readonly<Record<string, number>>, views = 3): Promise<void> {
  for (const [kind, [grade, count]] of Object.entries(items).entries()) {
    for (let item = 0; item < count; item++) {
      const own = join(folder, grade, `item-${item}`);
      await mkdir(own, { recursive: true });
      for (let view = 0; view < views; view++) {
        const seed = kind * 10_000 + item * 100 + view;
        await paintPhoto(join(own, `${view}.jpg`), COLOURS[grade] ?? [200, 50, 150], seed);
      }
    }
  }
}

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program of the repository to its end. */
export function runProgram(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [program, ...args], { env }, (_, stdout, stderr) =>
      resolve({ status: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}
