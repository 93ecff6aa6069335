import { createTRPCClient, httpBatchLink, httpBatchStreamLink, splitLink } from "@trpc/client";
import type { AppRouter } from "./trpc.js";

export type LinkOptions = Parameters<typeof httpBatchLink<AppRouter>>[0];

export const createClient = (options: LinkOptions) =>
  createTRPCClient<AppRouter>({
    links: [
      splitLink({
        condition: ({ type }) => type === "mutation",
        true: httpBatchLink(options),
        false: httpBatchStreamLink(options),
      }),
    ],
  });

/** What not to do: the response to a mutation begins before the procedure has run. */
export const createStreamingClient = (options: LinkOptions) =>
  createTRPCClient<AppRouter>({ links: [httpBatchStreamLink(options)] });
