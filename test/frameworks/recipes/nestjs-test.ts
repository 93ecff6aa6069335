import assert from "node:assert/strict";
import { createApp } from "./nestjs.js";

const app = await createApp({ secretKey: "test" });
await app.listen(0);
const url = await app.getUrl();

const body = new URLSearchParams({ username: "ada" });
const login = await fetch(`${url}/login`, { method: "POST", body, redirect: "manual" });
const Cookie = login.headers.getSetCookie()[0]!.split(";")[0]!;
const page = await fetch(url, { headers: { Cookie } });
assert.equal(await page.text(), "hello, ada\n");

await app.close();
