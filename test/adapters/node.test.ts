import { createReadStream } from "node:fs";
import { createServer } from "node:http";
import { sessions, type NodeHandler } from "../../src/adapters/node.ts";
import { session } from "../../src/index.ts";
import { turns } from "../support/turns.ts";
import { savesBeforeHeaders, writeLate } from "./before-headers.ts";
import { conversations, type Harness } from "./conversations.ts";
import { listen } from "./listen.ts";

const harness: Harness = {
  serve(app, options) {
    const withSession = sessions(options, { onError: () => {} });
    return listen(
      createServer(
        withSession(async (req, res) => {
          const {
            status = 200,
            headers = {},
            body = "",
          } = await app({ method: req.method!, path: req.url! });
          res.writeHead(status, headers);
          if (typeof body === "string") return res.end(body);
          for await (const chunk of body()) res.write(chunk);
          return res.end();
        }),
      ),
    );
  },
};

conversations("hipflask/node", harness);

const ways: Record<string, NodeHandler> = {
  "/end": (_, res) => res.end("success"),
  "/writeHead": (_, res) => res.writeHead(302, { Location: "/end" }).end(),
  "/pipe": (_, res) => createReadStream(import.meta.filename).pipe(res),
  "/flushHeaders": async (_, res) => {
    res.flushHeaders();
    await turns(5);
    res.end(`success, ${writeLate()}`);
  },
  "/events": async (_, res) => {
    res.writeHead(200, { "Content-Type": "text/event-stream" });
    for (const event of ["success", writeLate()]) {
      res.write(`data: ${event}\n\n`);
      await turns(5);
    }
    res.end();
  },
  "/throws": () => {
    throw new Error("failed on purpose");
  },
  "/fails-late": async (_, res) => {
    res.writeHead(201, { ETag: "success" }).write("success");
    await turns(5);
    throw new Error("failed on purpose");
  },
};

savesBeforeHeaders(
  "hipflask/node",
  (options) => {
    const withSession = sessions(options, { onError: () => {} });
    const handler: NodeHandler = (req, res) => {
      session.seen = true;
      return ways[req.url!]!(req, res);
    };
    return listen(createServer(withSession(handler)));
  },
  {
    "/end": { body: "success" },
    "/writeHead": { status: 302 },
    "/pipe": { body: "createReadStream" },
    "/flushHeaders": { body: "success, SessionClosedError" },
    "/events": { body: "data: success\n\n" },
    "/throws": { status: 500 },
    "/fails-late": { status: 500, body: "Internal Server Error" },
  },
);
