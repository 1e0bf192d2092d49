import manifest from "../../package.json" with { type: "json" };

/** Version of gradeline, as released. */
export const VERSION: string = manifest.version;
