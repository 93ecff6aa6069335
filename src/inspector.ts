export { inspector, type Inspector, type InspectorOptions } from "./inspector/handler.ts";
export { nodeListener } from "./inspector/node-listener.ts";
