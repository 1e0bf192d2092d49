import { surveyNative } from "../../device/embed/native/doctor.ts";

/** In a process of its own: a driver that hangs, or ends the process, shall not take the other checks with it. */
const [library = "", device = "0"] = process.argv.slice(2);
process.stdout.write(JSON.stringify(await surveyNative(library === "" ? undefined : library, Number(device))));
