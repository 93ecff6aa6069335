import { NoSecretKeyError } from "../../errors.ts";
import { SessionManager } from "../../manager/manager.ts";
import type { SessionOptions } from "../../manager/options.ts";

/**
 * The manager of an app that is loaded while its framework builds it, where the variables of the server need not be set: a
 * secret key that is missing is an error at the first request.
 */
export function managerOfBuiltApp(options: SessionOptions | SessionManager): {
  readonly manager: SessionManager;
  /** @throws NoSecretKeyError */
  readonly assertKey: () => void;
} {
  try {
    return { manager: SessionManager.from(options), assertKey() {} };
  } catch (error) {
    if (!(error instanceof NoSecretKeyError)) throw error;
    const manager = new SessionManager({ ...(options as SessionOptions), secretKey: null });
    return {
      manager,
      assertKey() {
        throw error;
      },
    };
  }
}
