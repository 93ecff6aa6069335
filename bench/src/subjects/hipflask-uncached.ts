import { peerCells } from "../peer.ts";
import { hipflask } from "./hipflask-peer.ts";

/** Every cookie is verified anew, as if no two requests came from the same visitor. */
export const cells = peerCells(hipflask({ cache: false }));
