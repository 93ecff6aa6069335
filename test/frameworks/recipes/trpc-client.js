import { createTRPCClient, httpBatchLink, httpBatchStreamLink, splitLink } from "@trpc/client";
export const createClient = (options) =>
  createTRPCClient({
    links: [
      splitLink({
        condition: ({ type }) => type === "mutation",
        true: httpBatchLink(options),
        false: httpBatchStreamLink(options),
      }),
    ],
  });
/** What not to do: the answer to a mutation begins before the procedure has run. */
export const createStreamingClient = (options) => createTRPCClient({ links: [httpBatchStreamLink(options)] });
