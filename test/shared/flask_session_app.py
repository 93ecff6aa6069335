"""A Flask app with Flask-Session on Redis, told what to do by its requests.

python3 flask_session_app.py '{"REDIS": url, "SESSION_…": …}'

Where Flask-Session 0.7 or later is not installed, `StandIn` below does for Redis what it does, with `msgpack` in the
place of `msgspec`.
"""

import json, secrets, sys
from datetime import datetime, timezone

import redis
from flask import Flask, jsonify, request, session
from flask.sessions import SecureCookieSession, SessionInterface

config = json.loads(sys.argv[1])
client = redis.Redis.from_url(config.pop("REDIS"))
app = Flask(__name__)
app.config.update(config, SESSION_TYPE="redis", SESSION_REDIS=client, SECRET_KEY="the secret of the Flask app")


class StandInSession(SecureCookieSession):
    def __bool__(self):
        return bool(dict(self)) and self.keys() != {"_permanent"}

    def clear(self):
        permanent = self.get("_permanent", False)
        super().clear()
        self["_permanent"] = permanent


class StandIn(SessionInterface):
    def signer(self):
        from itsdangerous import Signer

        return Signer(app.secret_key, salt="flask-session", key_derivation="hmac")

    def load(self, text):
        import msgpack

        readers = [lambda: msgpack.unpackb(text, timestamp=3, strict_map_key=False), lambda: json.loads(text)]
        if app.config.get("SESSION_SERIALIZATION_FORMAT") == "json":
            readers.reverse()
        for read in readers:
            try:
                data = read()
                if isinstance(data, dict):
                    return data
            except Exception:
                pass
        raise ValueError("neither format")

    def dump(self, data):
        import msgpack

        if app.config.get("SESSION_SERIALIZATION_FORMAT") == "json":
            return json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()
        return msgpack.packb(data, datetime=True)

    def open_session(self, app, request):
        sid = request.cookies.get(app.config["SESSION_COOKIE_NAME"])
        if sid and app.config.get("SESSION_USE_SIGNER"):
            try:
                sid = self.signer().unsign(sid).decode()
            except Exception:
                sid = None
        stored = sid and client.get("session:" + sid)
        made = StandInSession(self.load(stored)) if stored else StandInSession({"_permanent": True})
        made.modified = made.accessed = False
        made.sid = sid if stored else secrets.token_urlsafe(32)
        return made

    def regenerate(self, session):
        client.delete("session:" + session.sid)
        session.sid = secrets.token_urlsafe(32)
        session.modified = True

    def save_session(self, app, session, response):
        name = app.config["SESSION_COOKIE_NAME"]
        if not session:
            if session.modified:
                client.delete("session:" + session.sid)
                response.delete_cookie(name)
            return
        refresh = app.config["SESSION_REFRESH_EACH_REQUEST"]
        if session.modified or refresh:
            client.set("session:" + session.sid, self.dump(dict(session)), ex=int(app.permanent_session_lifetime.total_seconds()))
        if session.modified or (session.permanent and refresh):
            sid = session.sid
            value = self.signer().sign(sid).decode() if app.config.get("SESSION_USE_SIGNER") else sid
            response.set_cookie(name, value, expires=self.get_expiration_time(app, session), httponly=True)


try:
    import msgspec
    from flask_session import Session

    Session(app)
    kind = "Flask-Session"
except ImportError:
    app.session_interface = StandIn()
    kind = "a stand-in"


def answer():
    return jsonify(data={str(key): repr(value) for key, value in session.items()}, kind=kind)


@app.get("/show")
def show():
    return answer()


@app.get("/put")
def put():
    for key, value in json.loads(request.args["json"]).items():
        session[key] = value
    return answer()


@app.get("/types")
def types():
    """Values that only Python has."""
    session["bytes"] = b"\x00\xff\x80"
    session["moment"] = datetime(2024, 2, 29, 12, 30, 15, 123456, tzinfo=timezone.utc)
    session["before"] = datetime(1901, 1, 1, 0, 0, 0, 1, tzinfo=timezone.utc)
    session["tuple"] = (1, 2.0)
    session["most"] = 2**64 - 1
    session["least"] = -(2**63)
    session["inf"] = float("inf")
    session["keys"] = {"1": "text", "__proto__": 1.0}
    return answer()


@app.get("/odd-keys")
def odd_keys():
    """Keys that are no texts, in a dict and of the session itself; changed where one is told to."""
    session["odd"] = {None: "none", 2: "two", True: 1, 1.5: [], "deep": [{None: 1, "list": [1]}]}
    session[7] = "seven"
    return answer()


@app.get("/logout")
def logout():
    session.clear()
    return answer()


@app.get("/regenerate")
def regenerate():
    app.session_interface.regenerate(session)
    return answer()


if __name__ == "__main__":
    import logging
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").disabled = True
    server = make_server("127.0.0.1", 0, app, threaded=True)
    print(server.server_port)
    server.serve_forever()
