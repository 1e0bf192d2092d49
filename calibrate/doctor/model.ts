import { asGradelineError } from "../../device/base/errors.ts";
import { shortHash } from "../../device/base/short-hash.ts";
import { type Config, configSchema } from "../../device/config/schema.ts";
import { openEmbedder } from "../../device/embed/open-embedder.ts";
import { checkModel as fits, readAnyGallery } from "../../device/gallery/store.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

/** The model by its hash and its golden vectors, on the processor; the gallery against the model. */
export async function checkModel(
  path: string,
  folder: string,
  config: Config["embedder"] | undefined,
): Promise<Finding[]> {
  const plain = config ?? configSchema.shape.embedder.parse({});
  const precision = plain.precision === "int8" ? "int8" : "fp32";
  const findings: Finding[] = [];
  let model: Awaited<ReturnType<typeof openEmbedder>>["model"] | undefined;
  try {
    const embedder = await openEmbedder(path, { ...plain, backend: "node", provider: "cpu", precision });
    model = embedder.model;
    await embedder.close();
    const { name, version, hash, sizePx, dimension } = model;
    const what = `${name} ${version} (${shortHash(hash)}), ${sizePx} px, ${dimension} numbers a view`;
    findings.push(ok(`${what}; hash as described, golden vectors agree on the CPU`));
  } catch (error) {
    findings.push(failed(error));
  }
  try {
    const stored = await readAnyGallery(folder);
    if (stored === undefined) {
      const text = `nothing is enrolled in ${folder}`;
      return [...findings, warning(text, "gradeline-calibrate enroll GRADE PATH…")];
    }
    if (model !== undefined) fits(stored, model, folder);
    const { references, grades } = stored.gallery;
    const what = `gallery ${folder}: ${references.length} items, ${grades.join(", ")}`;
    findings.push(stored.warning === undefined ? ok(what) : warning(`${what}; ${stored.warning}`));
  } catch (error) {
    findings.push(failed(error));
  }
  return findings;
}

function failed(error: unknown): Finding {
  const { message, hint } = asGradelineError(error);
  return problem(message, hint);
}
