/** What the one page shows. */
export interface View {
  readonly name: string | null;
  readonly count: number;
}

export function page({ name, count }: View): Response {
  const greeting = name === null ? "hello, stranger" : `hello, ${escaped(name)}`;
  const forms =
    name === null
      ? '<form method="post" action="/login"><input name="name" required> <button>Log in</button></form>'
      : `<form method="post" action="/logout"><button>Log out</button></form>
<form method="post" action="/logout-everywhere"><button>Log out everywhere</button></form>`;
  const html = `<!doctype html>
<title>hipflask on a worker</title>
<h1>${greeting}</h1>
<p>You have counted to ${count}.</p>
<form method="post" action="/count"><button>Count</button></form>
${forms}
`;
  return new Response(html, { headers: { "Content-Type": "text/html; charset=utf-8" } });
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
