import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { compileCache, givenConfig, serviceFolder, useRuntimeFolder } from "../../../device/base/service.ts";
import { readSecret } from "../../../device/config/file.ts";
import { configSchema } from "../../../device/config/schema.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const CAMERAS = {
  cameras: [{ id: "a", source: { kind: "line" } }],
  lanes: [{ id: "a", camera: "a", mmPerPx: 1, gateMm: 1, conveyor: { kind: "belt", speedMmPerS: 1 } }],
} as const;

/** Sets variables for one test. */
function given(t: { after(done: () => void): void }, variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) {
    const before = process.env[name];
    process.env[name] = value;
    t.after(() => {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    });
  }
}

test("folders are those that systemd names, the first where it names several, else those of the unit", () => {
  assert.equal(serviceFolder("STATE_DIRECTORY", {}), "/var/lib/gradeline");
  assert.equal(serviceFolder("STATE_DIRECTORY", { STATE_DIRECTORY: "" }), "/var/lib/gradeline");
  assert.equal(serviceFolder("STATE_DIRECTORY", { STATE_DIRECTORY: "/a:/b" }), "/a");
  assert.equal(givenConfig({}), undefined);
  assert.equal(givenConfig({ CONFIGURATION_DIRECTORY: "/etc/line-2" }), "/etc/line-2/gradeline.yaml");
  assert.equal(compileCache({}), undefined);
  assert.equal(compileCache({ CACHE_DIRECTORY: "/c" }), "/c/compiled");
  assert.equal(compileCache({ CACHE_DIRECTORY: "/c", NODE_COMPILE_CACHE: "/n" }), "/n");
  const environment: Record<string, string | undefined> = { RUNTIME_DIRECTORY: "/run/x" };
  useRuntimeFolder(environment);
  assert.equal(environment.TMPDIR, "/run/x");
});

test("a configuration of device, cameras and lanes finds gallery and journal in the state folder, and the shipped model", (t) => {
  given(t, { STATE_DIRECTORY: "/var/lib/line-2" });
  const config = configSchema.parse({ device: "a", ...CAMERAS });
  assert.equal(config.gallery, "/var/lib/line-2/gallery");
  assert.equal(config.journal.path, "/var/lib/line-2/journal.sqlite");
  assert.equal(config.model, join(import.meta.dirname, "../../../models/embedder.json"));
});

test("a credential is read from where systemd puts it, and its absence says how to hand it over", async (t) => {
  const folder = await temporaryFolder(t);
  writeFileSync(join(folder, "mqtt"), "s3cret\n");
  given(t, { CREDENTIALS_DIRECTORY: folder });
  const { mqtt } = configSchema.parse({
    device: "a",
    ...CAMERAS,
    mqtt: { username: "u", password: { credential: "mqtt" } },
  });
  assert.equal(await readSecret(mqtt.password!), "s3cret");
  await assert.rejects(readSecret({ credential: "other" }), (error: Error & { hint?: string }) => {
    assert.match(error.message, /cannot be read from file .*\/other$/);
    assert.match(error.hint ?? "", /LoadCredential=other:/);
    return true;
  });
  for (const password of [{}, { env: "A", credential: "b" }, { credential: "../mqtt" }, { credential: "a/b" }]) {
    const mqtt = { username: "u", password };
    assert.equal(configSchema.safeParse({ device: "a", ...CAMERAS, mqtt }).success, false, JSON.stringify(password));
  }
});
