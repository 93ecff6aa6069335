import { NoSecretKeyError } from "../../errors.ts";
import { SessionManager } from "../../manager/manager.ts";
import type { SessionOptions } from "../../manager/options.ts";

/**
 * Creates the manager of an app that is also loaded during the build, when the server's environment variables may not be
 * set: a missing secret key is an error at the first request.
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
