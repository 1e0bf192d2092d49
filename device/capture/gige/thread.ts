import type { GigeConfig } from "../../config/camera.ts";
import { type ReaderSettings, serveReader } from "../live/reader.ts";
import { GigeDriver } from "./driver.ts";

await serveReader((setup: ReaderSettings & { config: GigeConfig }, log) => new GigeDriver(setup.config, log));
