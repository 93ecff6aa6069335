// Serves the app on whatever runtime runs this file, by that runtime's own server, and prints its port: with sessions in
// the cookie, or in the store of the URL that is given.
import process from "node:process";
import { sessions as fetchSessions } from "hipflask/fetch";
import { sessions as nodeSessions } from "hipflask/node";
import { storeFromUrl } from "hipflask/stores/from-url";
import { answer, respond } from "./app.mjs";

const [url] = process.argv.slice(2);
const store = url && (await storeFromUrl(url));
const options = { secretKey: "runtimes", ...(store && { store, storeOptions: { idleTimeout: 60 } }) };
const quiet = { onError: () => {} };
const fetch = fetchSessions(options, quiet)(respond);
const hostname = "127.0.0.1";

if (globalThis.Bun) {
  console.log(globalThis.Bun.serve({ port: 0, hostname, fetch: (request) => fetch(request) }).port);
} else if (globalThis.Deno) {
  globalThis.Deno.serve({ port: 0, hostname, onListen: ({ port }) => console.log(port) }, (request) =>
    fetch(request),
  );
} else {
  const { createServer } = await import("node:http");
  const server = createServer(
    nodeSessions(
      options,
      quiet,
    )(async (request, response) => {
      const body = await answer(request.url);
      if (typeof body === "string") return response.end(body);
      if (body instanceof Response) {
        return response.writeHead(body.status, Object.fromEntries(body.headers)).end(await body.text());
      }
      for await (const chunk of body) response.write(chunk);
      return response.end();
    }),
  );
  server.listen(0, hostname, () => console.log(server.address().port));
}
