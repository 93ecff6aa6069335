import { isRevoked } from "../record.ts";
import { selectorOf, type SqlConnection, type SqlEngine } from "./engine.ts";
import {
  LIMIT_REACHED,
  OK,
  REVOKED,
  type Claim,
  type Conflict,
  type Gone,
  type Ok,
  type Stale,
} from "../verbs.ts";

/**
 * What concerns a session and its owner. A claim is a transaction that holds the row of the owner, so that claims and
 * `destroyAll` of one owner follow each other.
 */
export class SqlOwners {
  readonly #engine: SqlEngine;

  constructor(engine: SqlEngine) {
    this.#engine = engine;
  }

  /** Runs `write` alone, or with the row of the owner locked, the claim admitted, and room made by its limit. */
  async claiming<Other extends Gone | Stale | Conflict>(
    selector: string,
    claim: Claim | undefined,
    write: (connection: SqlConnection) => Promise<Ok | Other>,
  ): Promise<Ok | Other | Stale | Conflict> {
    const engine = this.#engine;
    if (!claim) return engine.retrying(() => write(engine.pool));
    return engine.retrying(() =>
      engine.transaction<Ok | Other | Stale | Conflict>(async (connection) => {
        const admission = await this.#admit(connection, selector, claim);
        if (admission.status !== "ok") return { result: admission, commit: false };
        const written = await write(connection);
        return written.status === "ok"
          ? { result: admission, commit: true }
          : { result: written, commit: false };
      }),
    );
  }

  /** Forbids claims that began before now. */
  async mark(owner: string): Promise<void> {
    await this.#engine.retrying(() => this.#engine.run(this.#engine.dialect.markOwner, { owner }));
  }

  async remove(owner: string, selectors: readonly string[], connection?: SqlConnection): Promise<void> {
    if (selectors.length === 0) return;
    const among = this.#engine.dialect.among("selector", selectors);
    const statement = `DELETE FROM hipflask_sessions WHERE ${among.sql} AND owner = :owner`;
    await this.#engine.run(statement, { ...among.values, owner }, connection);
  }

  async #admit(connection: SqlConnection, selector: string, claim: Claim): Promise<Ok | Stale | Conflict> {
    const { owner, limit } = claim;
    const { now, dialect } = this.#engine;
    await this.#engine.run(dialect.lockOwner, { owner }, connection);
    const mark = await this.#engine.run(
      `SELECT ${now} - revoked_at AS age FROM hipflask_owners WHERE owner = :owner`,
      { owner },
      connection,
    );
    if (isRevoked(claim, Number(mark.rows[0]?.age))) return REVOKED;
    if (!limit) return OK;
    const { rows } = await this.#engine.run(
      `SELECT selector FROM hipflask_sessions WHERE owner = :owner AND expires_at > ${now} AND selector <> :selector
       ORDER BY authenticated_at DESC, selector`,
      { owner, selector },
      connection,
    );
    if (rows.length < limit.max) return OK;
    if (limit.overflow === "refuse") return LIMIT_REACHED;
    const ended = rows.slice(limit.max - 1).map(selectorOf);
    await this.remove(owner, ended, connection);
    return { status: "ok", ended };
  }
}
