import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dynamodbStore, type DynamoDocument } from "../../src/stores/dynamodb.ts";
import { storeContract } from "../../src/testing/store-contract.ts";
import { databases } from "../support/databases.ts";
import { startDynalite } from "../support/dynalite.ts";
import { fullScale } from "./service.ts";

const { skip, note, require } = databases();
const table = "hipflask_sessions";

describe.skipIf(skip)(`dynamodbStore on dynalite${note}`, () => {
  let server: Awaited<ReturnType<typeof startDynalite>>;
  let document: DynamoDocument & { destroy(): void };

  beforeAll(async () => {
    const { DynamoDBClient } = require("@aws-sdk/client-dynamodb");
    const { DynamoDBDocument } = require("@aws-sdk/lib-dynamodb");
    server = await startDynalite(table);
    const client = new DynamoDBClient({
      endpoint: server.url,
      region: "local",
      credentials: { accessKeyId: "x", secretAccessKey: "x" },
      maxAttempts: 1,
    });
    document = DynamoDBDocument.from(client);
  });
  afterAll(async () => {
    document.destroy();
    await server.close();
  });

  storeContract(
    { describe, it },
    ({ clock }) => ({
      store: dynamodbStore(document, { now: clock.now }),
      another: dynamodbStore(document, { now: clock.now }),
    }),
    { scale: fullScale / 5 },
  );

  it("reads no more of a large record for a list than its beginning", async () => {
    const asked: object[] = [];
    const watched: DynamoDocument = {
      get: (input) => document.get(input),
      put: (input) => document.put(input),
      delete: (input) => document.delete(input),
      batchGet: async (input) => {
        const answer = await document.batchGet(input);
        asked.push(...Object.values(answer.Responses ?? {}).flat());
        return answer;
      },
    };
    const store = dynamodbStore(watched);
    const text = "é".repeat(50_000);
    await store.insert("large", { text, commit: "A".repeat(16), lifetime: 60 });
    const found = await store.readMany!(["large", "missing"], 100);
    expect([...found].map(([key, { text }]) => [key, text.length])).toEqual([["large", 100]]);
    expect(JSON.stringify(asked).length).toBeLessThan(10_000);
    expect((await store.read("large"))?.text).toBe(text);
  });

  it("says which table is not there", async () => {
    const store = dynamodbStore(document, { table: "elsewhere" });
    await expect(store.read("key")).rejects.toThrow(
      /DynamoDB's table "elsewhere" is not there: create a table/,
    );
  });

  it("refuses a client that is not a document client", () => {
    const { DynamoDBClient } = require("@aws-sdk/client-dynamodb");
    for (const wrong of [undefined, "http://127.0.0.1:8000", new DynamoDBClient({ region: "local" })]) {
      expect(() => dynamodbStore(wrong as never)).toThrow(/DynamoDBDocument\.from/);
    }
  });
});
