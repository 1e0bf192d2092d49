import { randomBytes } from "node:crypto";
import { connectAsync, type MqttClient } from "mqtt";
import { brokerUrls, type MqttConfig } from "../../device/config/mqtt.ts";
import { type Config, configSchema } from "../../device/config/schema.ts";
import { topicRoot } from "../../device/contract/topics.ts";
import { brokerOptions, type Protocol } from "../../device/publish/broker-options.ts";
import { fallsBack, reasonOf } from "../../device/publish/link-errors.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";
import { checkKeeps } from "./keeps.ts";

const CONNECT_MS = 5000;
/** How long to wait for a retained message: the broker sends one at once if it has one. */
const VERSION_MS = 500;

/** Connects like the daemon, with another client id, and checks its permissions. */
export async function checkBroker(config: Config | undefined): Promise<Finding[]> {
  const connections = config === undefined ? [configSchema.shape.mqtt.parse({})] : [config.mqtt, ...config.brokers];
  const each = connections.flatMap((mqtt) => brokerUrls(mqtt).map((url) => checkOne(config, { ...mqtt, url })));
  return (await Promise.all(each)).flat();
}

async function checkOne(config: Config | undefined, mqtt: MqttConfig): Promise<Finding[]> {
  const device = config?.device ?? "doctor";
  const place = mqtt.url.replace(/\/\/[^@/]*@/, "//");
  const protocols: readonly Protocol[] = mqtt.protocol === "auto" ? ["5", "3.1.1"] : [mqtt.protocol];
  for (const protocol of protocols) {
    let client: MqttClient;
    try {
      const { will: _, ...options } = await brokerOptions(mqtt, device, protocol, CONNECT_MS);
      client = await connectAsync({ ...options, clientId: `gradeline-doctor-${randomBytes(4).toString("hex")}` });
    } catch (error) {
      if (protocol !== protocols.at(-1) && fallsBack(error)) continue;
      const { message, hint } = reasonOf(error);
      if (config === undefined) return [warning(`no broker at ${place}: ${message}`, "name yours: --config FILE")];
      return [problem(`${place}: ${message}`, hint ?? "check `mqtt` in the configuration")];
    }
    client.on("error", () => {});
    const version = await versionOf(client);
    const findings = [ok(`${place}: connected by MQTT ${protocol}${version}, ${lock(mqtt)}`)];
    const keeps = await checkKeeps(version, new URL(mqtt.url).hostname);
    if (keeps !== undefined) findings.push(keeps);
    if (protocol === "3.1.1" && mqtt.protocol === "auto") {
      findings.push(
        warning("the broker does not know MQTT 5", "requests then need a `transaction`; a newer broker has 5"),
      );
    }
    const granted = await client.subscribeAsync(`${topicRoot(device)}#`, { qos: 1 }).catch(() => []);
    if (!granted.some(({ qos }) => qos <= 2)) {
      findings.push(
        problem(`the broker does not let us listen to ${topicRoot(device)}#`, "see its access list (acl_file)"),
      );
    }
    await client.endAsync(true);
    return findings;
  }
  return [];
}

function lock(mqtt: MqttConfig): string {
  const login =
    mqtt.cert !== undefined ? "by certificate" : mqtt.username !== undefined ? "by password" : "without login";
  return `${login}${/^(mqtts|wss|tls):/.test(mqtt.url) ? ", encrypted" : ""}`;
}

async function versionOf(client: MqttClient): Promise<string> {
  const said = Promise.withResolvers<string>();
  client.on("message", (topic, payload) => {
    if (topic === "$SYS/broker/version") said.resolve(` (${payload.toString("utf8", 0, 60)})`);
  });
  await client.subscribeAsync("$SYS/broker/version").catch(() => undefined);
  const timer = setTimeout(() => said.resolve(""), VERSION_MS);
  return said.promise.finally(() => clearTimeout(timer));
}
