"""A Flask app whose forms are guarded by Flask-WTF.

python3 wtf_app.py '{"SECRET_KEY": …, "WTF_CSRF_…": …}'
"""

import json, logging, sys

from flask import Flask, jsonify, render_template_string, request, session
from flask_wtf import CSRFProtect, FlaskForm
from flask_wtf.csrf import CSRFError, generate_csrf
from werkzeug.serving import make_server
from wtforms import StringField

app = Flask(__name__)
app.config.update(json.loads(sys.argv[1]))
csrf = CSRFProtect(app)


class NameForm(FlaskForm):
    name = StringField("name")


@app.get("/token")
def token():
    return jsonify(token=generate_csrf(), secret=session["csrf_token"])


@app.get("/form")
def form():
    return render_template_string("<form method=post>{{ form.hidden_tag() }}</form>", form=NameForm())


@app.post("/form")
def posted():
    form = NameForm()
    return jsonify(valid=form.validate_on_submit(), errors=form.errors)


@app.errorhandler(CSRFError)
def refused(error):
    return jsonify(error=error.description), 400


logging.getLogger("werkzeug").disabled = True
server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.server_port)
server.serve_forever()
