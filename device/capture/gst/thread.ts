import { type ReaderSettings, serveReader } from "../live/reader.ts";
import { GstDriver, type GstSetup } from "./driver.ts";

await serveReader((setup: GstSetup & ReaderSettings, log) => new GstDriver(setup, log));
