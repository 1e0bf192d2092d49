import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Config } from "../../device/config/schema.ts";
import { describeRefusals, describeSurvey, type Survey } from "../../device/embed/native/doctor.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

const CHILD = new URL("./provider-child.ts", import.meta.url).pathname;
const LIMIT_MS = 20_000;

/** What there is for running the model besides the processor. */
export async function checkProvider(config: Config["embedder"] | undefined): Promise<Finding[]> {
  const wanted = config?.provider ?? "auto";
  const survey = await surveyApart(config);
  if (typeof survey === "string") {
    return [warning(`what the board has cannot be told: ${survey}`, "look at the GPU's driver: nvidia-smi, dmesg")];
  }
  const refused = describeRefusals(survey.libraries);
  const findings = describeSurvey({ ...survey, advice: [] }).map((line) =>
    refused.includes(line) ? warning(line) : ok(line),
  );
  const onGpu = !["auto", "cpu", "webgpu"].includes(wanted);
  const gpuMeant = survey.gpu !== undefined || survey.libraries.some(({ beside }) => beside.length > 0);
  const level = onGpu && survey.gpu === undefined ? problem : gpuMeant ? warning : undefined;
  for (const todo of survey.advice) {
    // On a board that has neither a GPU nor a build for one, what a GPU would need is no news.
    findings.push(level === undefined ? ok(todo) : level(`provider ${wanted} is configured`, todo));
  }
  return findings;
}

async function surveyApart(config: Config["embedder"] | undefined): Promise<Survey | string> {
  const args = [CHILD, config?.library ?? "", String(config?.device ?? 0)];
  try {
    const options = { timeout: LIMIT_MS, killSignal: "SIGKILL" as const, maxBuffer: 1 << 20 };
    const { stdout } = await promisify(execFile)(process.execPath, args, options);
    // Libraries print what they like before it.
    return JSON.parse(stdout.slice(stdout.lastIndexOf('{"libraries"'))) as Survey;
  } catch (error) {
    const { killed, signal, message } = error as Error & { killed?: boolean; signal?: string };
    if (killed === true) return `no answer within ${LIMIT_MS / 1000} s`;
    return signal ? `the check was ended by ${signal}` : message.split("\n")[0]!;
  }
}
