import { readFile } from "node:fs/promises";
import { GradelineError } from "../../device/base/errors.ts";

/** One camera, one lane, a broker: what most lines begin with. */
export const MINIMAL = `# Every key: gradeline-calibrate config example. One key: gradeline-calibrate config explain KEY
device: board-1                  # its name in topics: gradeline/board-1/...
gallery: gallery                 # folder of the enrolled references
cameras:
  - id: top
    source: { kind: gst, preset: usb, device: /dev/video0, widthPx: 1280, heightPx: 720, fps: 30 }
lanes:
  - id: "1"                      # a number as a name needs quotes
    camera: top
    mmPerPx: 0.58                # a ruler at the height of the fruit: millimetres divided by pixels
    gateMm: 400                  # from the edge where fruit leave the picture to the gate
    conveyor: { kind: belt, speedMmPerS: 800 }
journal: { path: journal.sqlite }
mqtt: { url: "mqtt://127.0.0.1:1883" }
`;

/** `config example`: a configuration to begin with. */
export async function configExample(minimal: boolean): Promise<void> {
  if (minimal) {
    process.stdout.write(MINIMAL);
    return;
  }
  const path = new URL("../../systemd/gradeline.example.yaml", import.meta.url);
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new GradelineError("FILE", "the example is not where the program is", {
      hint: "the Debian package has it as /usr/share/gradeline/gradeline.example.yaml",
      cause,
    });
  });
  process.stdout.write(text);
}
