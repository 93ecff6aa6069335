import { createServer } from "node:http";
import { sessions } from "../../src/adapters/node.ts";
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
