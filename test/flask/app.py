"""A Flask app that does to its session what it is told.

Each line of standard input is a JSON list of requests and each line of standard output the list of answers, in the
form of test/vectors/flask.json. The first line of output says who is answering. The clock stands where a request
puts it.
"""

import json
import logging
import struct
import sys
import uuid
import warnings
from datetime import datetime, timedelta, timezone
from importlib.metadata import version
from types import SimpleNamespace

import flask
import flask.sessions
import itsdangerous.timed
from flask.globals import request_ctx
from markupsafe import Markup
from werkzeug.test import create_environ, run_wsgi_app

NOW = 0.0


class Clock(datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.fromtimestamp(NOW, tz)


itsdangerous.timed.time = SimpleNamespace(time=lambda: NOW)
flask.sessions.datetime = Clock


def notation(value):
    kind = type(value)
    if value is None:
        return {"t": "null"}
    if kind is float:
        return {"t": "float", "v": repr(value), "bits": struct.pack(">d", value).hex()}
    if kind is bytes:
        return {"t": "bytes", "hex": value.hex()}
    if kind is datetime:
        return {"t": "datetime", "v": value.isoformat(), "epoch": int(value.timestamp())}
    if kind in (tuple, list):
        return {"t": kind.__name__, "v": [notation(item) for item in value]}
    if kind is dict:
        return {"t": "dict", "v": [[str(key), notation(item)] for key, item in value.items()]}
    if kind is bool:
        return {"t": "bool", "v": value}
    names = {int: "int", str: "str", Markup: "markup", uuid.UUID: "uuid"}
    return {"t": names[kind], "v": str(value)}


def value_of(node):
    kind = node["t"]
    if kind == "null":
        return None
    if kind == "float":
        return struct.unpack(">d", bytes.fromhex(node["bits"]))[0]
    if kind == "bytes":
        return bytes.fromhex(node["hex"])
    if kind == "datetime":
        return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=node["epoch"])
    if kind == "tuple":
        return tuple(value_of(item) for item in node["v"])
    if kind == "list":
        return [value_of(item) for item in node["v"]]
    if kind == "dict":
        return {key: value_of(item) for key, item in node["v"]}
    return {"bool": bool, "int": int, "str": str, "markup": Markup, "uuid": uuid.UUID}[kind](node["v"])


def do(name, *args):
    """One operation of a view; the names are those of the vectors, and `portraits`."""
    session = flask.session
    if name == "portraits":
        # What Python itself says of each value: its type and its repr, both to the last detail.
        return {key: f"{type(value).__name__} {value!r}" for key, value in session.items()}
    if name == "dict":
        return notation(dict(session))
    if name == "flash":
        return notation(flask.flash(*args))
    if name == "get-flashed":
        return notation([list(pair) for pair in flask.get_flashed_messages(with_categories=True)])
    key = args[0] if args else None
    if name == "del":
        del session[key]
        return notation(None)
    if name in ("modified", "permanent"):
        setattr(session, name, value_of(args[0]))
        return notation(None)
    if name == "update":
        return notation(session.update(value_of(args[0])))
    values = [value_of(node) for node in args[1:]]
    operations = {
        "get": session.get,
        "getitem": session.__getitem__,
        "contains": session.__contains__,
        "set": session.__setitem__,
        "pop": session.pop,
        "pop-default": session.pop,
        "setdefault": session.setdefault,
        "nested-append": lambda key, value: session[key].append(value),
        "len": lambda: len(session),
        "keys": lambda: list(session),
        "bool": lambda: bool(session),
        "read-modified": lambda: session.modified,
        "read-permanent": lambda: session.permanent,
        "popitem": lambda: list(session.popitem()),
        "clear": session.clear,
    }
    return notation(operations[name](*args[:1], *values))


def attempt(name, *args):
    try:
        return {"ok": do(name, *args)}
    except (KeyError, RuntimeError) as error:
        return {"raises": type(error).__name__}


class App(flask.Flask):
    def process_response(self, response):
        context = request_ctx._get_current_object()
        # Flask 3.1.3 keeps the session here, so that looking at it can be told from handling it.
        session = context._session if hasattr(context, "_session") else context.session
        answer = flask.request.environ["hipflask.answer"]
        answer["modified"] = session.modified
        answer["accessed"] = session.accessed
        answer["null_session"] = self.session_interface.is_null_session(session)
        answer["session_after"] = notation(dict(session))
        return super().process_response(response)


app = App(__name__)
logging.getLogger(app.logger.name).disabled = True
DEFAULTS = dict(app.config)
BASE = create_environ()


@app.route("/")
def view():
    told = flask.request.environ["hipflask.request"]
    results = flask.request.environ["hipflask.answer"]["results"]
    results.extend(attempt(*op) for op in told["ops"])
    if told["view"]["raises"]:
        raise ValueError
    response = flask.Response(status=told["view"]["status"])
    if told["view"]["vary"] is not None:
        response.headers["Vary"] = told["view"]["vary"]
    return response


def secret_of(key):
    return key.get("utf8", bytes.fromhex(key["hex"]))


def answer_to(told):
    global NOW
    NOW = told["now"]
    app.config.clear()
    app.config.update(DEFAULTS, **told["config"])
    app.config["SECRET_KEY"] = secret_of(told["secret_key"]) if told["secret_key"] else None
    app.config["SECRET_KEY_FALLBACKS"] = [secret_of(key) for key in told["fallback_keys"]] or None
    answer = {"results": []}
    environ = {**BASE, "hipflask.request": told, "hipflask.answer": answer}
    if told["request_cookie_header"] is not None:
        environ["HTTP_COOKIE"] = told["request_cookie_header"]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        _, status, headers = run_wsgi_app(app, environ)
    answer["warns_too_large"] = any("too large" in str(warning.message) for warning in caught)
    answer["status"] = int(status.split()[0])
    answer["set_cookie"] = headers.getlist("Set-Cookie")
    answer["vary"] = headers.get("Vary")
    return answer


if __name__ == "__main__":
    print(json.dumps({"flask": version("flask"), "python": sys.version.split()[0]}), flush=True)
    for line in sys.stdin:
        print(json.dumps([answer_to(told) for told in json.loads(line)]), flush=True)
