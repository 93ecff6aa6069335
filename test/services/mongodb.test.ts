import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mongodbStore, type MongoCollection } from "../../src/stores/mongodb.ts";
import { storeContract } from "../../src/testing/store-contract.ts";
import { databases } from "../support/databases.ts";
import { mongoStandIn } from "../support/mongo-stand-in.ts";
import { fullScale } from "./service.ts";

const { skip, note, require } = databases();

interface MongoClient {
  connect(): Promise<MongoClient>;
  db(name: string): { collection(name: string): MongoCollection };
  close(): Promise<void>;
}

// A server cannot be had as a package: the real driver talks to a stand-in of its protocol.
describe.skipIf(skip)(`mongodbStore with the driver, on a stand-in of the server${note}`, () => {
  let server: Awaited<ReturnType<typeof mongoStandIn>>;
  let now = Date.now;
  const clients: MongoClient[] = [];

  async function store() {
    const { MongoClient } = require("mongodb");
    const url = `mongodb://127.0.0.1:${server.port}/?directConnection=true`;
    // With a version of the API, the driver greets in the protocol that the stand-in speaks.
    const client = (await new MongoClient(url, { serverApi: "1" }).connect()) as MongoClient;
    clients.push(client);
    return mongodbStore(client.db("app").collection("sessions"));
  }

  beforeAll(async () => {
    server = await mongoStandIn(() => now());
  });
  afterAll(async () => {
    for (const client of clients) await client.close();
    await server.close();
  });

  storeContract(
    { describe, it },
    async ({ clock }) => {
      now = clock.now;
      const made = await store();
      await made.migrate();
      return { store: made, another: await store() };
    },
    { scale: fullScale / 5 },
  );

  it("names the collection and the server in its errors", async () => {
    expect((await store()).name).toMatch(/^MongoDB's app\.sessions at 127\.0\.0\.1:\d+$/);
  });
});
