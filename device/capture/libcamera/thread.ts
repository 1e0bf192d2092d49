import type { LibcameraConfig } from "../../base/camera-config.ts";
import { type ReaderSettings, serveReader } from "../live/reader.ts";
import { LibcameraDriver } from "./driver.ts";

await serveReader((setup: ReaderSettings & { config: LibcameraConfig }) => new LibcameraDriver(setup.config));
