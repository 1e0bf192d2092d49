import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { handOver } from "../../../calibrate/recipes/hand-over.ts";
import { nowMicros } from "../../../device/base/time.ts";
import { type Config, configSchema } from "../../../device/config/schema.ts";
import { infoSchema, type RecipeMessage, type ShadowMessage } from "../../../device/contract/messages.ts";
import type { DataOf } from "../../../device/contract/verbs.ts";
import { packagedLibrary } from "../../../device/embed/native/search.ts";
import { Board } from "../../support/board.ts";
import { endInOrder, nextBy, wrongs } from "../../support/daemon-verdicts.ts";
import { writeOtherTiny } from "../../support/embedder-tiny.ts";
import { GpuStandIn, withoutGpuStandIn } from "../../support/gpu-stand-in.ts";
import { FRAME_TO_GATE_US, truthOf } from "../../support/line-config.ts";
import { madeKey, releaseMade, savePicturedGallery } from "../../support/recipe-made.ts";

/** The native backend, which lends its own memory for batches and frees it with a model: on the CPU and as on a Jetson. */
const LANES = ["belt", "cups"];

const library = packagedLibrary()!;
const plans: {
  readonly name: string;
  readonly skip: string | false;
  readonly embedder: Partial<Config["embedder"]>;
  readonly provider: string;
  environment(folder: string): Record<string, string>;
}[] = [
  {
    name: "the npm package's library",
    skip: false,
    embedder: { backend: "native", provider: "cpu", library },
    provider: "cpu",
    environment: () => ({}),
  },
  {
    name: "a stand-in for TensorRT",
    skip: withoutGpuStandIn,
    embedder: { provider: "gpu" },
    provider: "tensorrt",
    environment: (folder) => {
      mkdirSync(join(folder, "gpu"));
      // An engine takes its time: the line must not wait for it.
      return GpuStandIn.build(join(folder, "gpu")).environment({ STAND_IN_BUILD_MS: "300" });
    },
  },
];

describe("a line whose model runs by the C API", () => {
  const board = Board.forEachTest("aedes");

  for (const { name, skip, embedder, provider, environment } of plans) {
    test(`${name}: it runs on while another model is tried, activated and gone back from`, { skip }, async () => {
      const { folder, ears } = board;
      const key = await madeKey(folder);
      const plain = configSchema.shape.embedder.parse({ maxBatch: 4, engineCache: join(folder, "engines") });
      const config = board.line({
        startAt: nowMicros(),
        more: { recipes: { trust: [key.publicKey] }, embedder: { ...plain, ...embedder } },
      });
      const daemon = await board.start(config, environment(folder));
      await ears.until(() => (board.states.at(-1)?.state === "online" ? true : undefined));
      const readyAt = nowMicros();
      const { proof } = infoSchema.parse(await ears.until(() => ears.json("board/info")[0]));
      assert.deepEqual([proof.backend, proof.provider], ["native", provider]);

      const model = join(folder, "other-model");
      mkdirSync(model);
      const description = await writeOtherTiny(model);
      const gallery = join(folder, "pears");
      await savePicturedGallery(gallery, 5, { seed: 50, model: description });
      const out = join(folder, "pears-2.recipe");
      await releaseMade(gallery, key, { name: "pears", version: "2", out, model: description });
      const handed = await handOver({ stop: new AbortController().signal }, configSchema.parse(config), out);

      const tried = await board.ask<ShadowMessage>("shadow", { recipe: handed });
      assert.equal(tried.status, "ok", tried.error?.message);
      const counted = await ears.until(() => {
        const { shadow } = (ears.json("board/shadow") as unknown as ShadowMessage[]).at(-1) ?? { shadow: null };
        return shadow !== null && shadow.items >= 2 ? shadow : undefined;
      });
      assert.deepEqual([counted.recipe, counted.problem], ["pears-2", null]);

      await nextBy(null, ears, LANES);
      const there = await board.ask<DataOf<"activate">>("activate", { recipe: "pears-2" });
      assert.deepEqual([there.status, there.data?.recipe], ["ok", "pears-2"]);
      await nextBy("pears-2", ears, LANES);
      const back = await board.ask<DataOf<"rollback">>("rollback");
      assert.deepEqual([back.status, back.data?.recipe], ["ok", null]);
      await nextBy(null, ears, LANES);
      const { verdicts, until } = await endInOrder(daemon, ears, LANES);
      const told = (ears.json("board/recipe") as unknown as RecipeMessage[]).map(({ recipe, model: of }) => [
        recipe,
        of,
      ]);
      assert.deepEqual(
        new Set(verdicts.map(({ recipe, model: of }) => `${recipe} ${of}`)),
        new Set(told.map(([recipe, of]) => `${recipe} ${of}`)),
        "each verdict is by one recipe and its model",
      );
      assert.equal(new Set(told.map(([, of]) => of)).size, 2);
      const seen = ({ gateAt }: { gateAt: number }): boolean => gateAt >= readyAt + FRAME_TO_GATE_US && gateAt <= until;
      assert.deepEqual(wrongs(verdicts, truthOf(config, 400), seen), []);
      assert.ok(board.states.every(({ state }) => state === "online" || state === "stopped"));
      assert.deepEqual(daemon.errors, []);
    });
  }
});
