import { readFile } from "node:fs/promises";
import type { IClientOptions } from "mqtt";
import { GradelineError } from "../base/errors.ts";
import { readSecret } from "../config/file.ts";
import type { MqttConfig } from "../config/schema.ts";
import { type MessageForm, messageText, USUAL_FORM } from "../contract/form.ts";
import { stateMessage } from "../contract/state.ts";
import { topicName } from "../contract/topics.ts";

/**
 * Largest packet that is taken from the broker. A request has 64 KiB at most, but one that is a little too large
 * should get an answer; what is beyond this is not even read.
 */
export const MAX_PACKET_BYTES = 2 * 1024 * 1024;

export type Protocol = "5" | "3.1.1";

/**
 * Options of one connection. Certificates and the password are read anew for each, so that a renewed one needs no
 * restart.
 *
 * @throws {GradelineError} CONFIG when a certificate, key or password cannot be read
 */
export async function brokerOptions(
  mqtt: MqttConfig,
  device: string,
  protocol: Protocol,
  connectTimeoutMs: number,
  form: MessageForm = USUAL_FORM,
  retains = true,
): Promise<IClientOptions> {
  const url = new URL(mqtt.url);
  const scheme = url.protocol.slice(0, -1);
  const web = scheme.startsWith("ws");
  const lost = stateMessage("offline", [{ code: "offline", message: "the connection was lost" }], null);
  const [password, ca, cert, key] = await Promise.all([
    mqtt.password === undefined ? undefined : readSecret(mqtt.password),
    pem("ca", mqtt.ca),
    pem("cert", mqtt.cert),
    pem("key", mqtt.key),
  ]);
  return {
    protocol: scheme as NonNullable<IClientOptions["protocol"]>,
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    ...(url.port === "" ? {} : { port: Number(url.port) }),
    ...(web ? { path: url.pathname + url.search } : {}),
    protocolVersion: protocol === "5" ? 5 : 4,
    clientId: mqtt.clientId ?? `gradeline-${device}`,
    ...(mqtt.username === undefined ? {} : { username: mqtt.username }),
    ...(password === undefined ? {} : { password }),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    keepalive: mqtt.keepaliveS,
    connectTimeout: connectTimeoutMs,
    // The journal is the only memory: each connection begins with nothing and mqtt.js repeats nothing by itself.
    clean: true,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    properties: { maximumPacketSize: MAX_PACKET_BYTES, receiveMaximum: 32, sessionExpiryInterval: 0 },
    will: {
      topic: topicName(device, "state"),
      payload: Buffer.from(messageText(form, "state", lost)),
      qos: 1,
      retain: retains,
      ...(protocol === "5" ? { properties: { contentType: "application/json", payloadFormatIndicator: true } } : {}),
    },
  };
}

async function pem(name: string, path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path);
  } catch (error) {
    throw new GradelineError("CONFIG", `\`mqtt.${name}\`: ${path} cannot be read`, {
      hint: "check that it is there and that the daemon's user may read it",
      cause: error,
    });
  }
}
