import { html } from "hono/html";
import type { Html } from "../html.ts";
import { session } from "../session.ts";
import { MAX_NAME } from "../visitor-name.ts";

/** Two users to log in as with one click. */
const PERSONAS = ["张三", "王二"];

/** Greets a visitor who is logged in, and asks others for their name. */
export function welcome(): Html {
  const { username } = session;
  return username === undefined ? hello() : helloAgain(username);
}

function hello(): Html {
  return html`<section class="welcome" aria-labelledby="hello">
<div>
<h1 id="hello">Hello, stranger. <span lang="zh">你好，陌生人。</span></h1>
<p>HTTP has no memory: to the server, each click is from someone new. A session lets it recognise you.
Tell the shop a name, fill a cart, and <a href="#flow">watch your session</a>.</p>
</div>
<form class="login" method="post" action="/login" aria-label="Log in">
<label for="name">Your name <span lang="zh">你的名字</span></label>
<div class="field">
<input id="name" name="name" maxlength="${MAX_NAME}" autocomplete="nickname" autocapitalize="words" required>
<button class="primary">Log in</button>
</div>
<p class="or">or, in one click,</p>
<div class="personas">${PERSONAS.map(
    (name) => html`<button name="username" value="${name}" formnovalidate lang="zh">我是${name}</button>`,
  )}</div>
<label class="remember"><input type="checkbox" name="remember" value="yes"> Remember me for 31 days</label>
</form>
</section>`;
}

function helloAgain(username: string): Html {
  return html`<section class="welcome" aria-labelledby="hello">
<div>
<h1 id="hello">Hello, <bdi>${username}</bdi>. <span lang="zh">你好，<bdi>${username}</bdi>。</span></h1>
<p>${
    session.permanent
      ? "You are remembered for 31 days after your last visit, also when the browser is closed."
      : "You are remembered until the browser is closed."
  } Open the shop in a private window, log in as someone else, and see that your carts never meet.</p>
</div>
<form class="logout" method="post" action="/logout"><button>Log out</button></form>
</section>`;
}
