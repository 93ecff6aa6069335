import assert from "node:assert/strict";
import { createApp } from "./elysia.js";

const app = createApp({ secretKey: "test" });

const body = new URLSearchParams({ username: "ada" });
const login = await app.fetch(new Request("http://localhost/login", { method: "POST", body }));
const cookie = login.headers.getSetCookie()[0]!.split(";")[0]!;
const page = await app.fetch(new Request("http://localhost/", { headers: { cookie } }));
assert.equal(await page.text(), "hello, ada\n");
