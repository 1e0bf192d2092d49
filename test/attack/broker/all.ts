import type { Attack } from "../attack.ts";
import { reasons } from "../reasons/reasons.ts";
import { acls } from "./acl.ts";
import { connacks } from "./connack.ts";

/** All that come from the broker's side, or from who asks over it. */
export const brokerAttacks: readonly Attack[] = [acls, connacks, reasons];
