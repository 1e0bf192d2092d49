import { parseArgs } from "node:util";
import { GradelineError } from "../../device/base/errors.ts";
import { run } from "../../device/base/run.ts";
import type { Attack, AttackResult } from "./attack.ts";
import { brokerAttacks } from "./broker/all.ts";
import { damageClosed } from "./damage.ts";
import { killDaemon } from "./kills.ts";
import { lineAttacks } from "./line-attacks.ts";

/** In the order in which they are run. */
const ATTACKS: readonly Attack[] = [killDaemon, ...lineAttacks, damageClosed, ...brokerAttacks];

const HELP = `npm run attack [-- NAME...] [--share S] [--json]

Attacks a daemon in every way that is known and counts what becomes of its verdicts. Without names all of:
  ${ATTACKS.map(({ name, count }) => `${name} (${count})`).join(", ")}

--share S  part of the rounds, 0 to 1; CI runs 0.1
--json     one object for programs, attacks[] of {name, count, lost, doubled, invented, told, wrong,
           waitS, said}; npm itself prints two lines before it unless called as npm run -s

Exit code: 0 where nothing was lost beyond what was said, nothing doubled, nothing invented and nothing else wrong; else 1.
`;

interface Row extends AttackResult {
  readonly name: string;
}

await run(async () => {
  const options = parse();
  if (options === undefined) {
    process.stdout.write(HELP);
    return 0;
  }
  const rows: Row[] = [];
  for (const attack of options.attacks) {
    const skip = attack.skip ?? false;
    // Not run is not passed.
    if (skip !== false) throw new GradelineError("USAGE", `${attack.name} ${skip}`);
    const count = Math.max(1, Math.round(attack.count * options.share));
    const since = performance.now();
    const result = await attack.run(count, (line) => {
      if (process.stderr.isTTY && !options.json) process.stderr.write(`\r${line} `);
    });
    rows.push({ name: attack.name, ...result });
    const seconds = Math.round((performance.now() - since) / 1000);
    // For programs there is one object and nothing else.
    if (!options.json) process.stderr.write(`${attack.name}: ${count} in ${seconds} s\n`);
  }
  process.stdout.write(options.json ? `${JSON.stringify({ attacks: rows })}\n` : table(rows));
  return rows.every(({ lost, doubled, invented, wrong }) => lost + doubled + invented + wrong.length === 0) ? 0 : 1;
});

function table(rows: readonly Row[]): string {
  const lines = rows.map(
    ({ name, count, lost, doubled, invented, told, waitS }) =>
      `| ${name} | ${count} | ${lost} | ${doubled} | ${invented} | ${told} | ${waitS?.toFixed(2) ?? ""} |`,
  );
  const said = rows.flatMap(({ name, said = [] }) => said.map((text) => `${name}: ${text}`));
  const wrong = rows.flatMap(({ name, wrong }) => wrong.map((text) => `wrong: ${name}: ${text}`));
  return [
    "| attack | rounds | lost | doubled | invented | told | longest wait, s |",
    "|---|---|---|---|---|---|---|",
    ...lines,
    ...said,
    ...wrong,
    "",
  ].join("\n");
}

function parse(): { attacks: readonly Attack[]; share: number; json: boolean } | undefined {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      share: { type: "string", default: "1" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  const share = Number(values.share);
  if (!(share > 0 && share <= 1)) throw usage(`--share is ${values.share}, wanted more than 0 and at most 1`);
  const attacks = positionals.map((name) => {
    const found = ATTACKS.find((attack) => attack.name === name);
    if (found === undefined)
      throw usage(`${name} is no attack, there are ${ATTACKS.map((one) => one.name).join(", ")}`);
    return found;
  });
  return { attacks: attacks.length === 0 ? ATTACKS : attacks, share, json: values.json };
}

function usage(message: string): GradelineError {
  return new GradelineError("USAGE", message, { hint: "npm run attack -- --help" });
}
