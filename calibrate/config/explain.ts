import { GradelineError } from "../../device/base/errors.ts";
import { type Explanation, explainKey, likelyKey } from "../../device/config/explain.ts";

/** `config explain [KEY]`: explains a setting, its allowed values and its default. */
export function configExplain(name: string, json: boolean): void {
  const found = explainKey(name);
  if (found.length === 0) {
    const meant = likelyKey(name);
    throw new GradelineError(
      "USAGE",
      `there is no setting ${name}${meant === undefined ? "" : `; did you mean ${meant}?`}`,
      {
        hint: "gradeline-calibrate config explain lists all settings",
      },
    );
  }
  process.stdout.write(json ? `${JSON.stringify({ settings: found })}\n` : found.map(describe).join("\n"));
}

function describe({ key, kind, about, allowed, default: usual, keys }: Explanation): string {
  const lines = [key === "" ? "the file" : `${key}${kind === null ? "" : `  (kind: ${kind})`}`];
  if (about !== null) lines.push(`  ${about}`);
  if (keys.length === 0) lines.push(`  allowed: ${allowed}`);
  else lines.push(`  keys: ${keys.join(", ")}`);
  if (usual !== null && keys.length === 0) lines.push(`  where absent: ${JSON.stringify(usual)}`);
  return lines.map((line) => `${line}\n`).join("");
}
