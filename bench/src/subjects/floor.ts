import type { Cells } from "../measure.ts";
import { cellName } from "../peer.ts";
import { payload, SIZES } from "../workloads.ts";
import { floorOpen, floorSave, pack } from "./platform.ts";

const nothing = () => undefined;

/** What every ratio in the table is a multiple of: opening a cookie of that size on the bare platform. */
export const cells: Cells = {};

for (const size of SIZES) {
  const data = payload(size);
  const packed = pack(data);
  cells[cellName("read", size)] = () => ({ subject: () => void floorOpen(packed), baseline: nothing });
  cells[cellName("save", size)] = () => ({
    subject: () => void floorSave(floorOpen(packed)),
    baseline: nothing,
  });
}
