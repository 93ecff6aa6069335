import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import {
  createSession,
  session,
  SessionConflictError,
  type SessionInterface,
  type SessionOptions,
  StoreError,
} from "../../src/index.ts";
import { turns } from "../support/turns.ts";
import type { Listening } from "./listen.ts";

/** How a framework answers one path, after its handler has written to the session. */
export interface Way {
  /** Default 200. */
  readonly status?: number;
  /** What the body must hold. Default nothing in particular. */
  readonly body?: string;
}

type Serve = (options: SessionOptions) => Promise<Listening>;

/** For handlers: writes to the session once its headers are gone, and tells what came of it. */
export function writeLate(): string {
  try {
    session.late = true;
    return "accepted";
  } catch (error) {
    return (error as Error).name;
  }
}

/**
 * Whatever way to respond a framework has, no byte is sent before the session is saved.
 *
 * @param tellsRetry the page for a store that is down can have headers, and says when to try again
 */
export function savesBeforeHeaders(
  name: string,
  serve: Serve,
  ways: Record<string, Way>,
  tellsRetry = true,
): void {
  describe(`${name} with a slow store`, () => {
    it.concurrent.each(Object.entries(ways))(
      "sends no byte of %s before the save (SEC-17)",
      async (path, { status = 200, body = "" }) => {
        let isSaved = false;
        const slow: SessionInterface = {
          openSession: () => createSession(),
          async saveSession(_session, _request, { headers }) {
            await turns();
            headers.append("Set-Cookie", "session=saved");
            isSaved = true;
          },
        };
        const answer = await ask(serve, slow, path, () => expect(isSaved).toBe(true));
        expect(answer.status).toBe(status);
        expect(answer.head.match(/^set-cookie: session=saved$/gim)).toHaveLength(1);
        expect(answer.body).toContain(body);
      },
    );
  });

  describe(`${name} with a store that is down`, () => {
    const down = () => Promise.reject(new StoreError("unavailable", "The store is down."));

    it.concurrent.each(Object.keys(ways))("answers 503 in place of %s", async (path) => {
      const broken: SessionInterface = {
        openSession: () => createSession(),
        saveSession: async () => (await turns(), down()),
      };
      const { status, head, body } = await ask(serve, broken, path);
      expect(status).toBe(503);
      expect(head).not.toMatch(/^(set-cookie|location|etag|last-modified):/im);
      expect(/^retry-after: 5$/im.test(head)).toBe(tellsRetry);
      expect(body).not.toMatch(/success|on purpose/);
    });

    it("answers 503 when a session cannot be opened", async () => {
      const broken: SessionInterface = { openSession: down, saveSession: () => {} };
      const { status, head } = await ask(serve, broken, Object.keys(ways)[0]!);
      expect(status).toBe(503);
      expect(/^retry-after: 5$/im.test(head)).toBe(tellsRetry);
    });

    it("answers 409 when others were faster", async () => {
      const busy: SessionInterface = {
        openSession: () => createSession(),
        saveSession: () => Promise.reject(new SessionConflictError(8)),
      };
      expect((await ask(serve, busy, Object.keys(ways)[0]!)).status).toBe(409);
    });
  });
}

/** One request on a connection of its own; reads until the server hangs up. */
async function ask(
  serve: Serve,
  sessionInterface: SessionInterface,
  path: string,
  onFirstByte: () => void = () => {},
): Promise<{ status: number; head: string; body: string }> {
  const server = await serve({ sessionInterface });
  try {
    const socket = connect(server.port, "127.0.0.1").setEncoding("utf8");
    await once(socket, "connect");
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    let text = "";
    for await (const chunk of socket as AsyncIterable<string>) {
      if (text === "") onFirstByte();
      text += chunk;
    }
    const end = text.indexOf("\r\n\r\n");
    const head = text.slice(0, end).replaceAll("\r", "");
    return { status: Number(head.split(" ")[1]), head, body: text.slice(end) };
  } finally {
    await server.close();
  }
}
