import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sessions } from "../../src/adapters/node.ts";
import { CsrfProtect } from "../../src/csrf.ts";
import { session } from "../../src/index.ts";
import { listen, type Listening } from "../adapters/listen.ts";
import { PlainVisitor } from "../support/plain-visitor.ts";
import { pythonServer, pythonThat, type PythonServer } from "../support/python.ts";

const python = pythonThat("import flask_wtf");
const skip = python === undefined && !process.env.CI;
const note = python === undefined ? " (skipped: no python3 with Flask-WTF)" : "";
const secretKey = "the secret of both apps";

/** A page of `csrf`, a place to post to, and a login. */
function serve(): Promise<Listening> {
  const csrf = new CsrfProtect({ secretKey });
  const answer = sessions({ secretKey }, { onError: () => {} });
  return listen(
    createServer(
      answer(async (req, res) => {
        if (req.url === "/login") session.regenerate({ keep: true });
        if (req.method === "GET") return res.end(csrf.hiddenTag());
        const sent = req.headers["x-csrftoken"] ?? new URLSearchParams(await text(req)).get("csrf_token");
        csrf.validateCsrf(sent);
        return res.end("valid");
      }),
    ),
  );
}

describe.skipIf(skip)(`CsrfProtect beside a live Flask-WTF (SEC-71)${note}`, () => {
  let flask: PythonServer;
  let ours: Listening;
  beforeAll(async () => {
    flask = await pythonServer(
      python!,
      join(import.meta.dirname, "wtf_app.py"),
      JSON.stringify({ SECRET_KEY: secretKey }),
    );
    ours = await serve();
  });
  afterAll(async () => {
    await ours?.close();
    await flask?.stop();
  });

  /** One visitor of both apps, with one jar. */
  function visitors(): { readonly there: PlainVisitor; readonly here: PlainVisitor } {
    const [there, here] = [new PlainVisitor(flask.url), new PlainVisitor(`http://127.0.0.1:${ours.port}`)];
    Object.defineProperty(here, "cookies", { value: there.cookies });
    return { there, here };
  }
  const tokenIn = (html: string) => /name="csrf_token"[^>]* value="([\w.-]+)"/.exec(html)![1]!;

  it("takes here the form of Flask, and there the form of ours", async () => {
    for (let round = 0; round < 20; round++) {
      const { there, here } = visitors();
      const theirs = tokenIn((await there.get("/form")).body);
      expect((await here.post("/", { csrf_token: theirs })).body).toBe("valid");
      const own = tokenIn((await here.get("/")).body);
      expect(JSON.parse((await there.post("/form", { csrf_token: own, name: "ada" })).body)).toEqual({
        valid: true,
        errors: {},
      });
    }
  });

  it("works the same if the visitor comes here first", async () => {
    const { there, here } = visitors();
    const own = tokenIn((await here.get("/")).body);
    expect(JSON.parse((await there.post("/form", { csrf_token: own })).body)).toMatchObject({ valid: true });
    const { token, secret } = JSON.parse((await there.get("/token")).body) as Record<string, string>;
    expect(secret).toMatch(/^[0-9a-f]{40}$/);
    expect((await here.post("/", {}, { "X-CSRFToken": token! })).body).toBe("valid");
  });

  it("refuses on both sides the token of another session, of before a login, and none at all", async () => {
    const [ada, eve] = [visitors(), visitors()];
    const [adas, eves] = [await ada.here.get("/"), await eve.here.get("/")].map(({ body }) => tokenIn(body));
    const post = async (csrf_token: string) => {
      const form: Record<string, string> = csrf_token === "" ? {} : { csrf_token };
      const there = await ada.there.post("/form", form);
      const here = await ada.here.post("/", form);
      expect(here.body === "valid").toBe(here.status === 200);
      expect(there.status).toBe(here.status);
      return there.status;
    };
    expect(await post(adas!)).toBe(200);
    for (const token of [eves!, "", "x", `${adas}x`, adas!.slice(0, -1), adas!.replace(/\.[^.]+$/, "")])
      expect(await post(token)).toBe(400);
    const after = tokenIn((await ada.here.get("/login")).body);
    expect(await post(adas!)).toBe(400);
    expect(await post(after)).toBe(200);
  });
});
