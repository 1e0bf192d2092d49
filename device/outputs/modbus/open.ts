import type { Log } from "../../base/log.ts";
import type { Config } from "../../config/schema.ts";
import type { OutletState } from "../../lanes/products.ts";
import { RegisterImage } from "./image.ts";
import { ModbusServer } from "./server.ts";

/** What the server needs of the device. */
export interface ModbusParts {
  readonly config: Config;
  readonly log: Log;
  /** Wait before a port that is taken is tried again. */
  readonly retryMs?: number;
  readonly products: {
    readonly outlets: readonly { readonly outlet: string; readonly state: OutletState }[];
    set(outlet: string, state: OutletState): void;
  };
}

/** @returns undefined where none is configured */
export function openModbus({
  config,
  log,
  products,
  retryMs,
}: ModbusParts): { image: RegisterImage; server: ModbusServer } | undefined {
  if (config.modbus === undefined) return undefined;
  const numbers = {
    products: () => [...new Set(config.products.rules.map(({ product }) => product))],
    outlets: () => config.products.outlets.map(({ id }) => id),
  };
  const image = new RegisterImage(
    config.lanes.map(({ id }) => id),
    numbers,
  );
  const outlets = {
    closed: (n: number) => {
      const outlet = products.outlets[n];
      return outlet === undefined ? undefined : outlet.state !== "open";
    },
    close: (n: number, closed: boolean) => products.set(products.outlets[n]!.outlet, closed ? "full" : "open"),
  };
  const server = new ModbusServer(config.modbus, image, outlets, log, retryMs);
  server.open();
  return { image, server };
}
