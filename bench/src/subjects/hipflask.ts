import { peerCells } from "../peer.ts";
import { hipflask } from "./hipflask-peer.ts";

/** As it comes: the cookie of a request has been verified before. */
export const cells = peerCells(hipflask());
