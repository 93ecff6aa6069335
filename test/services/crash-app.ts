/** An app on the store it is given, for a test that kills it: writes three keys at once, and counts. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { sessions } from "../../src/adapters/node.ts";
import { session } from "../../src/index.ts";
import { storeFromUrl } from "../../src/stores/from-url.ts";

const store = await storeFromUrl(process.argv[2]!);
const handler = sessions({ secretKey: "s", store, storeOptions: { sweepEvery: 0 } });
const server = createServer(
  handler((req, res) => {
    const [, action, n] = req.url!.split("/");
    if (action === "write") session.update({ a: n, b: n, c: n });
    if (action === "count") session.transact("count", (count) => (count ?? 0) + 1);
    if (action === "logout") session.destroy();
    res.end(JSON.stringify(session));
  }),
).listen(0, "127.0.0.1");
await once(server, "listening");
console.log((server.address() as AddressInfo).port);
