import { secureHeaders } from "hono/secure-headers";

/** Allows only the shop's own scripts, styles and connections, nothing inline, and no framing. */
export const securityHeaders = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    baseUri: ["'none'"],
    connectSrc: ["'self'"],
    formAction: ["'self'"],
    frameAncestors: ["'none'"],
    imgSrc: ["'self'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
  },
  xFrameOptions: "DENY",
  // "no-referrer" would make browsers hide the origin of our own forms, by which the CSRF guard knows them.
  referrerPolicy: "same-origin",
  // Only for HTTPS, and the demo speaks plain HTTP: browsers complain or, for the first, remember it.
  strictTransportSecurity: false,
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
});
