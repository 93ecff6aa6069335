export { crossOriginProtection, type CrossOriginOptions, type OriginRequest } from "./http/cross-origin.ts";
export { CsrfProtect, type CsrfOptions } from "./request/csrf-tokens.ts";
export { CsrfError, ForeignOriginError, type CsrfErrorReason } from "./errors.ts";
