const HOUR = 60 * 60;
const DAY = 24 * HOUR;

/**
 * Limits of a stored session for authenticator assurance level 1 of NIST SP 800-63B-4: 30 days from login.
 *
 * @example
 * ```ts
 * import { AAL1 } from "hipflask";
 * console.log(AAL1.absoluteTimeout / 86_400); // 30
 * ```
 */
export const AAL1 = { absoluteTimeout: 30 * DAY } as const;

/**
 * Limits for level 2: 24 hours from login, one hour without a request.
 *
 * @example
 * ```ts
 * import { AAL2 } from "hipflask";
 * import { sessions } from "hipflask/fetch";
 * import { memoryStore } from "hipflask/stores/memory";
 * export const withSession = sessions({ secretKey: "dev", store: memoryStore(), ...AAL2 });
 * ```
 */
export const AAL2 = { absoluteTimeout: DAY, idleTimeout: HOUR } as const;

/**
 * Limits for level 3: 12 hours from login, 15 minutes without a request.
 *
 * @example
 * ```ts
 * import { AAL3 } from "hipflask";
 * console.log(AAL3.idleTimeout / 60); // 15
 * ```
 */
export const AAL3 = { absoluteTimeout: 12 * HOUR, idleTimeout: HOUR / 4 } as const;
