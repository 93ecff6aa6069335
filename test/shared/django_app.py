"""A Django project of one file: logs in and out, and reads and writes its session as it is told.

python3 django_app.py '{"ENGINE": …, "NAME": …, …}' SECRET_KEY [migrate]
"""

import datetime, json, os, sys, threading, time
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from django.conf import settings

database, secret_key = json.loads(sys.argv[1]), sys.argv[2]
settings.configure(
    SECRET_KEY=secret_key,
    DATABASES={"default": database},
    ALLOWED_HOSTS=["*"],
    USE_TZ="no-tz" not in sys.argv,
    TIME_ZONE="Asia/Tokyo" if "no-tz" in sys.argv else "UTC",
    ROOT_URLCONF=__name__,
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
)
if "no-tz" in sys.argv:
    # What a settings file of a project does by itself.
    os.environ["TZ"] = settings.TIME_ZONE
    time.tzset()
django.setup()

from django.contrib.auth import get_user_model, login, logout
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import path
from django.utils import timezone

# A request that waits in the middle, until another one lets it go on.
gate = threading.Event()
waiting = threading.Event()


def answer(request, **more):
    return JsonResponse({"user": request.user.get_username() or None, "data": dict(request.session.items()), **more})


def log_in(request):
    login(request, get_user_model().objects.get(username="ada"))
    return answer(request)


def log_out(request):
    logout(request)
    return JsonResponse({})


def show(request):
    return answer(request)


def put(request):
    for key, value in json.loads(request.GET["json"]).items():
        request.session[key] = value
    return answer(request)


def put_slowly(request):
    request.session["slow"] = request.session.get("slow", 0) + 1
    waiting.set()
    gate.wait(20)
    return answer(request)


def wait_for_slow(request):
    reached = waiting.wait(20)
    waiting.clear()
    return JsonResponse({"reached": reached})


def open_gate(request):
    gate.set()
    return JsonResponse({})


def expire(request):
    request.session.set_expiry(int(request.GET["seconds"]))
    return answer(request)


def types(request):
    return JsonResponse({key: type(value).__name__ for key, value in request.session.items()})


def facts(request):
    """What Django itself says of the row: how long it lasts, and that the whole of it is as Django wants it."""
    from django.contrib.sessions.models import Session

    row = Session.objects.get(pk=request.session.session_key)
    left = (row.expire_date - (timezone.now() if settings.USE_TZ else datetime.datetime.now())).total_seconds()
    return JsonResponse({"left": left, "rows": Session.objects.count(), "key": row.session_key})


def clear_expired(request):
    call_command("clearsessions")
    return facts(request)


urlpatterns = [
    path("login", log_in),
    path("logout", log_out),
    path("show", show),
    path("put", put),
    path("slow", put_slowly),
    path("wait", wait_for_slow),
    path("go", open_gate),
    path("expire", expire),
    path("types", types),
    path("facts", facts),
    path("clear", clear_expired),
]

if "migrate" in sys.argv:
    call_command("migrate", verbosity=0)
    get_user_model().objects.create_user("ada", password="pw")


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer


class Threaded(ThreadingMixIn, WSGIServer):
    daemon_threads = True


server = make_server("127.0.0.1", 0, get_wsgi_application(), Threaded, Quiet)
print(server.server_port)
server.serve_forever()
