import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

interface Script {
  readonly url: string;
  readonly functions: readonly { readonly ranges: readonly Range[] }[];
}

/** What of the sources one test file ran, in all its processes and threads together. */
export class Coverage {
  readonly #functions = new Map<string, Range[][][]>();
  readonly #root: string;

  /** @param folder that was NODE_V8_COVERAGE. @param root of the tree */
  constructor(folder: string, root: string) {
    this.#root = root;
    const home = pathToFileURL(root).href;
    for (const name of readdirSync(folder)) {
      const { result } = JSON.parse(readFileSync(join(folder, name), "utf8")) as { result: readonly Script[] };
      for (const { url, functions } of result) {
        if (!url.startsWith(home) || url.startsWith(`${home}/node_modules`)) continue;
        const runs = this.#functions.get(url) ?? [];
        runs.push(functions.map(({ ranges }) => [...ranges]));
        this.#functions.set(url, runs);
      }
    }
  }

  /** @param file path from the root. @returns whether what stands there ran at least once */
  ran(file: string, offset: number): boolean {
    const runs = this.#functions.get(pathToFileURL(join(this.#root, file)).href) ?? [];
    return runs.some((functions) => {
      let inner: Range | undefined;
      for (const range of functions.flat()) {
        if (range.startOffset > offset || range.endOffset <= offset) continue;
        if (inner === undefined || width(range) <= width(inner)) inner = range;
      }
      return inner !== undefined && inner.count > 0;
    });
  }
}

function width({ startOffset, endOffset }: Range): number {
  return endOffset - startOffset;
}
