/**
 * Watches the bytes of an MQTT connection and speaks up as soon as a packet announces more than it may have, before
 * anything has gathered it in memory. MQTT 5 lets a client tell the broker its limit; 3.1.1 has nothing but this.
 *
 * @param maxBytes largest remaining length (MQTT 3.1.1, 2.2.3) that is let through
 * @param exceeded called once, with the announced length
 * @returns takes the chunks as they arrive
 */
export function packetGuard(maxBytes: number, exceeded: (bytes: number) => void): (chunk: Uint8Array) => void {
  /** Bytes of the current packet's body that are still to come. */
  let body = 0;
  /** Bytes of the length field read so far; -1 before the packet's first byte. */
  let digits = -1;
  let length = 0;
  let tripped = false;
  return (chunk) => {
    let at = 0;
    while (at < chunk.length && !tripped) {
      if (body > 0) {
        const skipped = Math.min(body, chunk.length - at);
        body -= skipped;
        at += skipped;
      } else if (digits < 0) {
        digits = 0;
        length = 0;
        at++;
      } else {
        const byte = chunk[at++]!;
        length += (byte & 0x7f) * 128 ** digits++;
        if (byte < 0x80) {
          body = length;
          digits = -1;
        }
        if (length > maxBytes || digits > 4) {
          tripped = true;
          exceeded(length);
        }
      }
    }
  };
}
