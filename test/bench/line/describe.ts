import type { LineBench } from "../line.ts";
import { table } from "../table.ts";
import type { Spread } from "./gauge.ts";

const ms = (value: number): string => value.toFixed(2);
const rate = (value: number): string => value.toFixed(value < 100 ? 1 : 0);

/** The figures as tables for people. */
export function describe(bench: LineBench): string {
  const { machine, broker, threads, references, received, vision, load, saturation } = bench;
  const cells = (name: string, spread: Spread): string[] => [name, ms(spread.p50), ms(spread.p99), ms(spread.max)];
  const both = (name: string, stage: keyof typeof load.stages): string[] => [
    ...cells(name, load.stages[stage]),
    ms(saturation.stages[stage].p50),
    ms(saturation.stages[stage].p99),
  ];
  const middleBare = [...saturation.bareViewsPerS].sort((a, b) => a - b)[saturation.bareViewsPerS.length >> 1]!;
  const ratios = [...saturation.ratios].sort((a, b) => a - b);
  return [
    `${machine.cores} cores, load ${machine.loadBefore.toFixed(1)} before, ${machine.loadAfter.toFixed(1)} after; ` +
      `broker ${broker}; session with ${threads} thread; gallery of ${references.items} fruit, ${references.views} views`,
    "",
    table(
      ["stage, ms", "p50", "p99", "max", "saturated p50", "p99"],
      [
        both("grab: exposure to the frame in hand (rendering that is late included)", "grab"),
        both("vision: one frame, both lanes of a camera", "vision"),
        [...cells("  segment (alone on the machine's thread)", vision.segmentMs), "", ""],
        [...cells("  follow (alone)", vision.followMs), "", ""],
        [...cells("  crop (alone)", vision.cropMs), "", ""],
        both("embed: last view of an item to its last embedding", "embed"),
        both("grade: one item", "grade"),
        both("journal: decided to durable", "journal"),
        both("publish: decided to acknowledged", "publish"),
        [...cells("exposure to acknowledgement", load.stages.exposure_to_ack), "", ""],
        [...cells("event-loop delay of the main thread", load.process.loopDelayMs), ...loop(saturation.process)],
      ],
    ),
    "",
    table(
      ["", "load", "saturated"],
      [
        ["views/s", rate(load.viewsPerS), rate(saturation.viewsPerS)],
        ["items/s", rate(load.itemsPerS), rate(saturation.itemsPerS)],
        ["views per batch", load.viewsPerBatch.toFixed(1), saturation.viewsPerBatch.toFixed(1)],
        [
          "frames seen, dropped",
          `${load.frames.seen}, ${load.frames.dropped}`,
          `${rate(saturation.framesPerS)} a second`,
        ],
        ["CPU, cores", load.process.cores.toFixed(2), saturation.process.cores.toFixed(2)],
        ["  of it drawing the simulation", drawingCores(bench).toFixed(2), "0"],
        ["RSS start, MB", load.process.rssStartMb.toFixed(0), ""],
        [
          "RSS peak, MB (saturated: no simulation in the process)",
          load.process.rssPeakMb.toFixed(0),
          saturation.rssPeakMb.toFixed(0),
        ],
        ["RSS end, MB", load.process.rssEndMb.toFixed(0), ""],
        ["RSS slope, MB/min", load.process.rssMbPerMin.toFixed(1), ""],
        ["bare session, views/s", "", rate(middleBare)],
        ["whole line / bare session", "", ratios[ratios.length >> 1]!.toFixed(2)],
        ["  each turn", "", saturation.ratios.map((ratio) => ratio.toFixed(2)).join(" ")],
      ],
    ),
    "",
    `drawing one frame takes ${vision.renderCpuMs.toFixed(1)} ms of processor time in the camera's thread, which a real camera does not; ` +
      `a frame shows ${vision.viewsPerFrame.toFixed(1)} views; a subscriber received ${received} verdicts`,
  ].join("\n");
}

function loop({ loopDelayMs }: LineBench["load"]["process"]): string[] {
  return [ms(loopDelayMs.p50), ms(loopDelayMs.p99)];
}

function drawingCores({ load, vision }: LineBench): number {
  return ((load.frames.seen - load.frames.dropped) * vision.renderCpuMs) / 1000 / load.process.seconds;
}
