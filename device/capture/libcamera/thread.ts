import type { LibcameraConfig } from "../../config/camera.ts";
import { type ReaderSettings, serveReader } from "../live/reader.ts";
import { LibcameraDriver } from "./driver.ts";

await serveReader((setup: ReaderSettings & { config: LibcameraConfig }) => new LibcameraDriver(setup.config));
