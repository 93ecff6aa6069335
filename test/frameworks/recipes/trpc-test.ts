import assert from "node:assert/strict";
import { createClient } from "./trpc-client.js";
import { createFetch } from "./trpc.js";

const handler = createFetch({ secretKey: "test" });
let cookie = "";

const client = createClient({
  url: "http://localhost",
  async fetch(input, init) {
    const request = new Request(input as string, init as RequestInit);
    request.headers.set("cookie", cookie);
    const response = await handler(request);
    for (const line of response.headers.getSetCookie()) cookie = line.split(";")[0]!;
    return response;
  },
});

await client.login.mutate("ada");
assert.equal(await client.hello.query(), "hello, ada");
