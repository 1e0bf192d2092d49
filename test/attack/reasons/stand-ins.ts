/*
 * Loaded into a daemon and its threads before all else (`--import`): what opens a camera's source is another one, so
 * that cameras do what real ones do on bad days. All the rest is the daemon as it is.
 */
import { registerHooks } from "node:module";

const REAL = "/device/lanes/open-source.ts";
const ODD = new URL("./odd-sources.ts", import.meta.url).href;

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    return found.url.endsWith(REAL) && context.parentURL !== ODD ? { ...found, url: ODD } : found;
  },
});
