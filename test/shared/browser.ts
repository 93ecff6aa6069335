/** What came back from a request. */
export interface Answer {
  readonly status: number;
  readonly json: unknown;
  readonly cookies: string[];
}

/** A browser with a jar of one cookie, which it shows to all servers of one domain. */
export class Browser {
  cookie = "";

  async get(url: string): Promise<Answer> {
    const headers = this.cookie === "" ? {} : { cookie: this.cookie };
    const response = await fetch(url, { headers, redirect: "manual" });
    const text = await response.text();
    const cookies = response.headers.getSetCookie();
    for (const line of cookies) this.cookie = /max-age=0/i.test(line) ? "" : line.split(";")[0]!;
    return { status: response.status, json: /^\s*</.test(text) ? text : JSON.parse(text), cookies };
  }
}
