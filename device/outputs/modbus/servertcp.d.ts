// The package describes its server, but not the file that loads it alone, without the serial port's native library.
declare module "modbus-serial/servers/servertcp.js" {
  export { ServerTCP as default } from "modbus-serial/ServerTCP.js";
}
