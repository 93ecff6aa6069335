import { createAdaptorServer } from "@hono/node-server";
import { sessions } from "../../src/adapters/fetch.ts";
import { conversations, type Harness } from "./conversations.ts";
import { listen } from "./listen.ts";
import { webResponse } from "./web-response.ts";

const harness: Harness = {
  serve(app, options) {
    const withSession = sessions(options, { onError: () => {} });
    const fetch = withSession(async (request) =>
      webResponse(await app({ method: request.method, path: new URL(request.url).pathname })),
    );
    return listen(createAdaptorServer({ fetch }));
  },
};

conversations("hipflask/fetch", harness);
