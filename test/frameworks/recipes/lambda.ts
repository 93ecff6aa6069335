import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { session, type SessionOptions } from "hipflask";
import { sessions } from "hipflask/fetch";

function requestOf(event: APIGatewayProxyEventV2): Request {
  const { http, domainName } = event.requestContext;
  const query = event.rawQueryString && `?${event.rawQueryString}`;
  const headers = new Headers(event.headers as Record<string, string>);
  if (event.cookies !== undefined) headers.set("Cookie", event.cookies.join("; "));
  const hasBody = event.body !== undefined && http.method !== "GET" && http.method !== "HEAD";
  return new Request(`https://${domainName}${event.rawPath}${query}`, {
    method: http.method,
    headers,
    body: hasBody ? Buffer.from(event.body!, event.isBase64Encoded ? "base64" : "utf8") : null,
  });
}

async function resultOf(response: Response): Promise<APIGatewayProxyStructuredResultV2> {
  const { "set-cookie": _, ...headers } = Object.fromEntries(response.headers);
  const body = Buffer.from(await response.arrayBuffer()).toString("base64");
  const cookies = response.headers.getSetCookie();
  return { statusCode: response.status, headers, cookies, body, isBase64Encoded: true };
}

const seeOther = () => new Response(null, { status: 303, headers: { Location: "/" } });

export function createHandler(options: SessionOptions) {
  const answer = sessions(options)(async (request) => {
    const { pathname } = new URL(request.url);
    switch (`${request.method} ${pathname}`) {
      case "GET /":
        return new Response(`hello, ${session.username ?? "stranger"}\n`);
      case "POST /login":
        session.regenerate();
        session.username = String((await request.formData()).get("username"));
        return seeOther();
      case "POST /logout":
        session.destroy();
        return seeOther();
      default:
        return new Response("Not Found\n", { status: 404 });
    }
  });
  return async (event: APIGatewayProxyEventV2) => resultOf(await answer(requestOf(event)));
}
