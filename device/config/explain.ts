import { allowedIn, configJsonSchema, type JsonSchema } from "./allowed.ts";
import { nearest } from "./value-slips.ts";

/** One setting, as people ask for it. */
export interface Explanation {
  /** `lanes[].mmPerPx` */
  readonly key: string;
  /** The kind of source or conveyor that has it; null where it does not depend on one. */
  readonly kind: string | null;
  /** What it is; null where its name says all. */
  readonly about: string | null;
  /** What may stand there, in words. */
  readonly allowed: string;
  /** Value where it is absent; null where there is none. */
  readonly default: unknown;
  /** Keys below it, of a section. */
  readonly keys: readonly string[];
}

/**
 * Everything that goes by a name: `mmPerPx`, `lanes.mmPerPx` and `lanes[0].mmPerPx` are the same; an empty name is the
 * file itself.
 */
export function explainKey(name: string): Explanation[] {
  const wanted = name.replaceAll(/\[\d*\]/g, "").toLowerCase();
  const plain = ({ key }: Explanation): string => key.replaceAll("[]", "").toLowerCase();
  const settings = all();
  const same = settings.filter((each) => plain(each) === wanted);
  return same.length > 0 ? same : settings.filter((each) => plain(each).endsWith(`.${wanted}`));
}

/** The key that a name without an explanation may have meant; undefined where none is likely. */
export function likelyKey(name: string): string | undefined {
  const names = new Set(all().map(({ key }) => key.split(".").at(-1)!.replaceAll("[]", "")));
  return nearest(name.split(".").at(-1)!, [...names]);
}

function all(): Explanation[] {
  const found: Explanation[] = [];
  const seen = new Set<string>();
  const visit = (schema: JsonSchema, key: string, kind: string | null): void => {
    const inside = schema.items ?? schema;
    const options = inside.oneOf ?? [];
    const keys = Object.keys(inside.properties ?? options[0]?.properties ?? {});
    const own: Explanation = {
      key,
      kind,
      about: schema.description ?? inside.description ?? null,
      allowed: allowedIn(schema),
      default: schema.default ?? null,
      keys,
    };
    const text = JSON.stringify(own);
    if (!seen.has(text)) found.push(own);
    seen.add(text);
    const below = `${key}${schema.items === undefined ? "" : "[]"}`;
    for (const option of options.length === 0 ? [inside] : options) {
      const word = option.properties?.kind?.const;
      for (const [name, inner] of Object.entries(option.properties ?? {})) {
        visit(inner, below === "" ? name : `${below}.${name}`, typeof word === "string" ? word : kind);
      }
    }
  };
  visit(configJsonSchema() as JsonSchema, "", null);
  return found;
}
