import { request, type Agent, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";

export interface PlainResponse {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly setCookie: readonly string[];
  readonly body: string;
}

/** Somebody with a plain HTTP client, who keeps cookies by name and sends them back. */
export class PlainVisitor {
  readonly cookies = new Map<string, string>();
  readonly #url: string;
  readonly #agent: Agent | undefined;

  constructor(url: string, agent?: Agent) {
    this.#url = url;
    this.#agent = agent;
  }

  get(path: string): Promise<PlainResponse> {
    return this.send("GET", path);
  }

  /** Sends a form from the shop's own page. */
  post(
    path: string,
    form: Record<string, string>,
    headers: Record<string, string> = {},
  ): Promise<PlainResponse> {
    const body = new URLSearchParams(form).toString();
    const own = { Origin: this.#url, "Content-Type": "application/x-www-form-urlencoded" };
    return this.send("POST", path, { ...own, ...headers }, body);
  }

  /** Sends a form and follows the redirect. */
  async submit(path: string, form: Record<string, string>): Promise<PlainResponse> {
    const response = await this.post(path, form);
    return this.get(new URL(response.headers.location!, this.#url).pathname);
  }

  async send(
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: string,
  ): Promise<PlainResponse> {
    const Cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const length = body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(body)) };
      const cookie = Cookie === "" ? {} : { Cookie };
      const options = { method, headers: { ...cookie, ...length, ...headers }, agent: this.#agent };
      request(this.#url + path, options, resolve)
        .on("error", reject)
        .end(body);
    });
    const setCookie = response.headers["set-cookie"] ?? [];
    for (const line of setCookie) this.#keep(line);
    return {
      status: response.statusCode!,
      headers: response.headers,
      setCookie,
      body: await text(response),
    };
  }

  /** A visitor who holds copies of the same cookies, as a second tab or a thief does. */
  copy(): PlainVisitor {
    const copy = new PlainVisitor(this.#url, this.#agent);
    for (const [name, value] of this.cookies) copy.cookies.set(name, value);
    return copy;
  }

  #keep(line: string): void {
    const [name, value] = line.split(";", 1)[0]!.split("=") as [string, string];
    if (/; (?:Max-Age=0|Expires=Thu, 01 Jan 1970)/i.test(line)) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }
}
