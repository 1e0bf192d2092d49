import { DemoBroker } from "../../../device/demo/broker.ts";

const broker = await DemoBroker.listen();
process.send!(broker.url);
process.once("disconnect", () => void broker.close());
