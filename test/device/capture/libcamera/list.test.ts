import assert from "node:assert/strict";
import { test } from "node:test";
import { parseList } from "../../../../device/capture/libcamera/list.ts";

/** As the Raspberry Pi's documentation shows it for rpicam-hello --list-cameras. */
const PRINTED = `Available cameras
-----------------
0 : imx219 [3280x2464 10-bit RGGB] (/base/soc/i2c0mux/i2c@1/imx219@10)
    Modes: 'SRGGB10_CSI2P' : 640x480 [206.65 fps - (1000, 752)/1280x960 crop]
                             1640x1232 [41.85 fps - (0, 0)/3280x2464 crop]
           'SRGGB8' : 640x480 [206.65 fps - (1000, 752)/1280x960 crop]
1 : imx477 [4056x3040 12-bit RGGB] (/base/soc/i2c0mux/i2c@1/imx477@1a)
    Modes: 'SRGGB10_CSI2P' : 1332x990 [120.05 fps - (696, 528)/2664x1980 crop]
`;

test("cameras and their modes are read from what rpicam-hello prints", () => {
  assert.deepEqual(parseList(PRINTED), [
    {
      kind: "libcamera",
      name: "0",
      label: "imx219 [3280x2464 10-bit RGGB]",
      formats: [
        "SRGGB10_CSI2P 640x480 at 206.65 fps",
        "SRGGB10_CSI2P 1640x1232 at 41.85 fps",
        "SRGGB8 640x480 at 206.65 fps",
      ],
    },
    {
      kind: "libcamera",
      name: "1",
      label: "imx477 [4056x3040 12-bit RGGB]",
      formats: ["SRGGB10_CSI2P 1332x990 at 120.05 fps"],
    },
  ]);
  assert.deepEqual(parseList("No cameras available!\n"), []);
});
