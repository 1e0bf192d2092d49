import { openGige } from "../../device/capture/gige/open-gige.ts";
import { gigeSchema } from "../../device/config/camera.ts";

/** A daemon in small: opens the camera that its argument (JSON) configures, says so, and reads until it is killed. */
const source = await openGige(gigeSchema.parse(JSON.parse(process.argv[2] ?? "{}")));
let first = true;
for await (const frame of source.frames()) {
  if (first) process.stdout.write(`${frame.seq}\n`);
  first = false;
}
