import { session, SessionManager, type SessionOptions } from "../../src/index.ts";

/** What came back from a request. */
export interface Answer<Seen> {
  readonly seen: Seen;
  readonly cookies: string[];
  readonly vary: string | null;
}

/** A browser with a jar of one cookie, whose requests go the way every adapter goes. */
export class Visitor {
  cookie = "";
  readonly #manager: SessionManager;

  constructor(manager: SessionManager) {
    this.#manager = manager;
  }

  /** One request: open, handle, save, and keep the cookie that comes back. */
  async visit<Seen>(
    view: () => Seen,
    { cookie = this.cookie, status = 200 }: { cookie?: string; status?: number } = {},
  ): Promise<Answer<Awaited<Seen>>> {
    const context = this.#manager.requestContext({ headers: new Headers({ Cookie: cookie }) });
    await context.opening;
    const seen = await context.run(async () => view());
    const headers = new Headers();
    await context.save({ status, headers });
    const cookies = headers.getSetCookie();
    for (const line of cookies) this.cookie = line.includes("Max-Age=0") ? "" : line.split(";")[0]!;
    return { seen, cookies, vary: headers.get("Vary") };
  }

  /** What the session holds. */
  async data(): Promise<Record<string, unknown>> {
    return (await this.visit(() => session.toJSON())).seen;
  }
}

/** A visitor of an app of its own. */
export function visitorOf(options: SessionOptions): Visitor {
  return new Visitor(
    new SessionManager({
      secretKey: "a secret for tests",
      ...options,
      storeOptions: { sweepEvery: 0, ...options.storeOptions },
    }),
  );
}
