export { crossOriginProtection, type CrossOriginOptions, type OriginRequest } from "./http/cross-origin.ts";
export { ForeignOriginError } from "./errors.ts";
