"""Flask itself as one of the measured libraries: WSGI in-process, the same workloads, the same line protocol.

See src/worker.ts for the protocol. Ends with status 3 if Flask is not installed.
"""

import json
import sys
import time

try:
    import flask
except ImportError:
    sys.exit(3)

SIZES = {"100 B": 100, "1 KB": 1000, "2.7 KB": 2700}


def payload(size):
    data = {"username": "ada", "visits": 1_000_000, "cart": [], "note": ""}

    def room():
        return size - len(json.dumps(data, separators=(",", ":")))

    n = 0
    while room() > 100:
        data["cart"].append(
            {"sku": f"sku-{1000 + n}", "name": "blue enamel cup", "quantity": 1 + n % 3, "price": 1290 + n}
        )
        n += 1
    data["note"] = "x" * max(0, room())
    return data


app = flask.Flask(__name__)
app.secret_key = "a secret of the benchmark"
count = 1_000_000


@app.get("/open")
def open_():
    return "ok"


@app.get("/login/<int:size>")
def login(size):
    flask.session.update(payload(size))
    return "ok"


@app.get("/read")
def read():
    return flask.session["username"]


@app.get("/save")
def save():
    global count
    count += 1
    flask.session["visits"] = count
    return flask.session["username"]


class NoSessions(flask.sessions.SessionInterface):
    """Bare Flask: a session interface that does nothing at all."""

    def open_session(self, app, request):
        return flask.sessions.SecureCookieSession()

    def save_session(self, app, session, response):
        pass


bare = flask.Flask("bare")
bare.session_interface = NoSessions()
bare.add_url_rule("/", "ok", lambda: "ok")


def environ(path, cookie):
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "shop.example.com",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "shop.example.com",
        "HTTP_COOKIE": cookie,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": sys.stdin.buffer,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def call(wsgi, path, cookie):
    """One request. Returns its Set-Cookie value up to the first semicolon, or None, and its body."""
    sent = []
    body = b"".join(wsgi(environ(path, cookie), lambda status, headers: sent.extend(headers)))
    cookies = [value.split(";")[0] for name, value in sent if name == "Set-Cookie"]
    return (cookies[0] if cookies else None), body


def nanoseconds(wsgi, path, cookie, milliseconds):
    start = time.perf_counter()
    calls = 0
    while True:
        for _ in range(10):
            call(wsgi, path, cookie)
        calls += 10
        elapsed = time.perf_counter() - start
        if elapsed * 1000 >= milliseconds:
            return elapsed / calls * 1e9


cookies = {}


def measure(command):
    workload, size = command["cell"].split(" ", 1)
    if size not in cookies:
        cookies[size] = call(app, f"/login/{SIZES[size]}", "")[0]
        assert call(app, "/read", cookies[size])[1] == b"ada"
    return {
        "baseline": nanoseconds(bare, "/", cookies[size], command["amount"]),
        "subject": nanoseconds(app, f"/{workload}", cookies[size], command["amount"]),
    }


for line in iter(sys.stdin.readline, ""):
    try:
        answer = measure(json.loads(line))
    except Exception as error:  # told to the other end, which knows what to do without this cell
        answer = {"error": repr(error)}
    print(json.dumps(answer), flush=True)
