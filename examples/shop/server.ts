import { randomBytes } from "node:crypto";
import { networkInterfaces } from "node:os";
import { parseArgs } from "node:util";
import { createAdaptorServer } from "@hono/node-server";
import { storeFromUrl } from "hipflask/stores/from-url";
import { createShop } from "./app.ts";

const port = Number(process.env.PORT ?? 5000);
const secretKey = process.env.SECRET_KEY || randomBytes(32).toString("hex");

const { values } = parseArgs({ options: { store: { type: "string" } } });
const storeUrl = values.store === "sqlite" ? "sqlite:shop.db" : values.store;
const store = storeUrl === undefined ? undefined : await storeFromUrl(storeUrl);

const server = createAdaptorServer({ fetch: createShop({ secretKey, store }).fetch });

server.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EADDRINUSE") throw error;
  console.error(
    `Port ${port} is taken (on a Mac, often by AirPlay). Choose another one: PORT=5001 npm start`,
  );
  process.exitCode = 1;
});

server.listen(port, "0.0.0.0", () => {
  const address = server.address();
  const actual = typeof address === "object" && address !== null ? address.port : port;
  console.log(`The shop is open:  http://localhost:${actual}`);
  for (const host of ownAddresses()) console.log(`  and on a phone:  http://${host}:${actual}`);
  if (storeUrl !== undefined) {
    console.log(
      `Sessions are kept in ${storeUrl.replace(/\/\/.*@/, "//")}; the cookie holds a random token.`,
    );
  } else if (!process.env.SECRET_KEY) {
    console.log("SECRET_KEY is not set: signing with a random key, so all sessions end with this process.");
  }
});

/** Where others in the same network reach this machine. */
function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .map(({ address }) => address);
}
