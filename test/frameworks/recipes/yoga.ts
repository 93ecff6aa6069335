import { createSchema, createYoga } from "graphql-yoga";
import { createServer } from "node:http";
import { session, type SessionOptions } from "hipflask";
import { sessions } from "hipflask/node";

const schema = createSchema({
  typeDefs: `
    type Query { hello: String! }
    type Mutation { login(username: String!): Boolean!, logout: Boolean! }
  `,
  resolvers: {
    Query: { hello: () => `hello, ${session.username ?? "stranger"}` },
    Mutation: {
      login(_parent, { username }: { username: string }) {
        session.regenerate();
        session.username = username;
        return true;
      },
      logout() {
        session.destroy();
        return true;
      },
    },
  },
});

export function createApp(options: SessionOptions) {
  const yoga = createYoga({ schema });
  return createServer(sessions(options)(yoga));
}
