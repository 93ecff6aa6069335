import type { Server } from "node:http";
import { vi } from "vitest";
import { listen } from "../adapters/listen.ts";
import { databases } from "./databases.ts";

/** Starts dynalite, which speaks DynamoDB's protocol, with a table whose partition key is `id`. */
export async function startDynalite(table: string): Promise<{ url: string; close(): Promise<void> }> {
  const { require } = databases();
  const { DynamoDBClient, CreateTableCommand, DescribeTableCommand } = require("@aws-sdk/client-dynamodb");
  const server = await listen(require("dynalite")({ createTableMs: 0 }) as Server);
  const url = `http://127.0.0.1:${server.port}`;
  const credentials = { accessKeyId: "x", secretAccessKey: "x" };
  const client = new DynamoDBClient({ endpoint: url, region: "local", credentials });
  await client.send(
    new CreateTableCommand({
      TableName: table,
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      BillingMode: "PAY_PER_REQUEST",
    }),
  );
  await vi.waitFor(async () => {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: table }));
    if (Table.TableStatus !== "ACTIVE") throw new Error("the table is not there yet");
  });
  client.destroy();
  return { url, close: () => server.close() };
}
