"""The one settings file. Everything that differs between installations comes from the environment.

`templates/docs/settings.md` documents each variable; `approvals.project.environment` reads them.
"""

import re
from pathlib import Path
from urllib.parse import urlsplit

from django.utils.csp import CSP

from approvals.project.environment import (
    read_bool,
    read_choice,
    read_database,
    read_encryption_keys,
    read_home,
    read_hosts,
    read_hours,
    read_int,
    read_networks,
    read_policy,
    read_secret_key,
    read_token,
    read_url,
)
from approvals.project.logs import configure_logs
from approvals.project.mail import NO_MAIL, read_mailers, read_sender
from approvals.project.slack import read_slack_address, read_slack_token

BASE_DIR = Path(__file__).resolve().parents[2]
# Templates and static files: a wheel has them in the package, the repository beside it.
_PACKAGE_DIR = BASE_DIR / "approvals"
FILES_DIR = _PACKAGE_DIR if (_PACKAGE_DIR / "templates").is_dir() else BASE_DIR
APPROVALS_HOME = read_home()
# How reviewers and flows reach this server from outside; https makes it a production server
PUBLIC_URL = read_url("PUBLIC_URL")
_IS_HTTPS = PUBLIC_URL.startswith("https://")
# The path below which everything lies, such as "/approvals", or ""
ROOT_PATH = urlsplit(PUBLIC_URL).path
FORCE_SCRIPT_NAME = ROOT_PATH or None

DEBUG = read_bool("DEBUG", default=False)
SECRET_KEY = read_secret_key(APPROVALS_HOME)
ENCRYPTION_KEYS = read_encryption_keys(SECRET_KEY)  # of what blocks hold
_PUBLIC_HOST = [urlsplit(PUBLIC_URL).hostname or ""] if PUBLIC_URL else []
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", *_PUBLIC_HOST, *read_hosts("ALLOWED_HOSTS")]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL.removesuffix(ROOT_PATH)] if PUBLIC_URL else []

DATABASES = {"default": read_database(APPROVALS_HOME)}

INSTALLED_APPS = [
    "approvals",
    "flowruns",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "axes",
]

MIDDLEWARE = [
    "approvals.management.metrics.measure_requests",
    "approvals.web.plain_http.watch_for_plain_http",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "approvals.web.page_middleware.Sessions",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "approvals.web.page_middleware.Users",
    "approvals.web.page_middleware.Messages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "approvals.web.page_middleware.Htmx",
    "axes.middleware.AxesMiddleware",
    "approvals.web.auditing.remember_request",
    "approvals.views.errors.explain_refused_methods",
    "flowruns.web.callers.note_callers",
]

ROOT_URLCONF = "approvals.project.urls"
ASGI_APPLICATION = "approvals.project.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [FILES_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "approvals.project.staff.still_loops",
            ],
            "builtins": ["approvals.templatetags.addresses"],
        },
    }
]

# People
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "inbox"
LOGOUT_REDIRECT_URL = "login"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "approvals.web.permissions.PermissionsAtOnce",
    "django.contrib.auth.backends.ModelBackend",
]
# Scrypt costs whoever guesses more memory than Django's default, and a log-in less time; a password
# that is kept with the other is kept anew when it is next used.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
# After this many wrong passwords for one name from one address, that pair waits
AXES_FAILURE_LIMIT = read_int("LOGIN_FAILURE_LIMIT", default=10, minimum=1)
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
AXES_RESET_ON_SUCCESS = True
# And after so many for whatever names, the address waits: an office shares one
LOGIN_ADDRESS_FAILURE_LIMIT = read_int("LOGIN_ADDRESS_FAILURE_LIMIT", default=30, minimum=1)
AXES_HANDLER = "approvals.web.lockout.LockoutHandler"
AXES_CLIENT_IP_CALLABLE = "approvals.web.lockout.read_address"
AXES_VERBOSE = False
# One proxy in front of us tells the client's address and scheme
TRUST_PROXY = read_bool("TRUST_PROXY", default=False)
if TRUST_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Flows
# `serve` makes a key for the flows of this machine, unless others reach the server through a proxy
KEEPS_LOCAL_KEY = not (_IS_HTTPS or TRUST_PROXY)
# And there a websocket of the same user may need none (flowruns.web.sockets): only where asked
# for, since whatever that user runs to forward connections would let others in
SAME_USER_NEEDS_NO_KEY = KEEPS_LOCAL_KEY and read_bool("SAME_USER_NEEDS_NO_KEY", default=False)
# Who answers what no policy of an operator is for
DEFAULT_POLICY = read_policy("DEFAULT_POLICY", default="anyone")
# How long a decision of one tap, and one of several at once, can be undone before it takes effect
UNDO_SECONDS = read_int("UNDO_SECONDS", default=10, minimum=0)
# Days after which runs that ended are deleted; 0 keeps them. Decisions stay
RETENTION_DAYS = read_int("RETENTION_DAYS", default=0, minimum=0)
EVENT_RETENTION_DAYS = read_int("EVENT_RETENTION_DAYS", default=7, minimum=1)

# Messages
_MAILERS = read_mailers(PUBLIC_URL)
SENDS_MAIL = bool(_MAILERS)
MAILERS = _MAILERS or NO_MAIL
EMAIL_FROM = read_sender(sends=SENDS_MAIL)
# What a message says of its approval: nothing but that it waits, its flow and run, or what is asked
MESSAGE_CONTENT = read_choice(
    "MESSAGE_CONTENT", of=("nothing", "title", "question"), default="title"
)
SLACK_BOT_TOKEN = read_slack_token(
    "SLACK_BOT_TOKEN", begins="xoxb-", needs={"PUBLIC_URL": PUBLIC_URL}
)
SLACK_APP_TOKEN = read_slack_token(
    "SLACK_APP_TOKEN", begins="xapp-", needs={"SLACK_BOT_TOKEN": SLACK_BOT_TOKEN}
)
# Browsers know this server by it, so that a new one ends all their subscriptions
VAPID_KEY = read_secret_key(APPROVALS_HOME, "VAPID_KEY", file="vapid-key")
SLACK_API_URL = read_slack_address("SLACK_API_URL")
WEBHOOKS_MAY_REACH = read_networks("WEBHOOKS_MAY_REACH")  # beside the public internet
WORKING_HOURS = read_hours("WORKING_HOURS")  # of those who have not chosen theirs

# Browsers
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "manifest-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
SESSION_ENGINE = "approvals.web.sessions"
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 60 * 60 * 24 * 14  # seconds
CSRF_COOKIE_SAMESITE = "Lax"
if ROOT_PATH:
    # Whatever else lies on the host has cookies, too, perhaps of Django's names
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "approvals_sessionid", "approvals_csrftoken"
    SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = f"{ROOT_PATH}/"
CSRF_FAILURE_VIEW = "approvals.views.errors.csrf_failure"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = _IS_HTTPS
# A browser is sent to https; an API client has sent its key by then, and may be on this machine
SECURE_REDIRECT_EXEMPT = [rf"^{re.escape(ROOT_PATH.lstrip('/'))}/?api/"]
SECURE_HSTS_SECONDS = 60 * 60 * 24 * 365 if _IS_HTTPS else 0
# These bind other hosts than ours, so nobody gets them unasked
SECURE_HSTS_INCLUDE_SUBDOMAINS = read_bool("HSTS_INCLUDE_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD = read_bool("HSTS_PRELOAD", default=False)
# Who sets no EMAIL_URL wants no mail, which pages say where it matters
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021", *([] if SENDS_MAIL else ["mail.E001"])]

# A description may have 2 MB and an answer a file; a wide form has more fields than Django's 1,000
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000

# Files
STATIC_URL = f"{ROOT_PATH}/static/"
STATICFILES_DIRS = [FILES_DIR / "static"]
WHITENOISE_USE_FINDERS = True  # served from where they lie: no collectstatic step to forget
WHITENOISE_MAX_AGE = 60

# Time and language
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = False

# Background loops: a service that does one round, and the seconds between rounds
BACKGROUND_LOOPS = {
    "flowruns.services.upkeep.expiry.expire_pauses": 1.0,
    "approvals.services.drafts.drop_old_drafts": 600.0,
    "approvals.remote.mirroring.follow_servers": 5.0,
    "approvals.remote.attempting.drive_attempts": 0.5,
    "approvals.services.seats.settle_approvals": 1.0,
    "approvals.services.holding.apply_held_votes": 0.5,
    "approvals.services.stepping.take_due_steps": 1.0,
    "approvals.messages.delivering.deliver_mail": 1.0,
    "approvals.messages.delivering.deliver_slack": 1.0,
    "approvals.messages.slack_socket.listen_to_slack": 1.0,
    "approvals.messages.delivering.deliver_push": 1.0,
    "approvals.messages.delivering.deliver_teams": 1.0,
    "approvals.messages.delivering.deliver_apprise": 1.0,
    "approvals.messages.webhooks.deliver_webhooks": 4.0,
    "approvals.messages.delivering.drop_old_messages": 600.0,
    "flowruns.services.upkeep.scheduler.schedule_runs": 1.0,
    "flowruns.services.upkeep.late_runs.mark_late_runs": 5.0,
    "approvals.services.uploads.drop_abandoned_uploads": 600.0,
    "flowruns.services.upkeep.heartbeat.end_abandoned_runs": 2.5,
    "flowruns.services.upkeep.abandoned.release_unstarted_runs": 2.5,
    "flowruns.services.events.events.delete_old_events": 30.0,
    "flowruns.services.upkeep.retention.prune_by_setting": 30.0,
    "flowruns.services.limits.concurrency.drop_expired_leases": 60.0,
}
# When those that would often find nothing have something to do next, so that they sleep until then
BACKGROUND_MOMENTS = {
    "flowruns.services.upkeep.expiry.expire_pauses": "flowruns.services.upkeep.expiry.find_next",
    "approvals.remote.attempting.drive_attempts": "approvals.services.attempts.find_next",
    "approvals.services.seats.settle_approvals": "approvals.services.seats.find_unsettled",
    "approvals.services.holding.apply_held_votes": "approvals.services.holding.find_next",
    "approvals.services.stepping.take_due_steps": "approvals.services.stepping.find_next",
    "approvals.messages.delivering.deliver_mail": "approvals.messages.upcoming.find_mail",
    "approvals.messages.delivering.deliver_slack": "approvals.messages.upcoming.find_slack",
    "approvals.messages.slack_socket.listen_to_slack": "approvals.messages.upcoming.find_presses",
    "approvals.messages.delivering.deliver_push": "approvals.messages.upcoming.find_push",
    "approvals.messages.delivering.deliver_teams": "approvals.messages.upcoming.find_teams",
    "approvals.messages.delivering.deliver_apprise": "approvals.messages.upcoming.find_apprise",
    "approvals.messages.webhooks.deliver_webhooks": "approvals.messages.upcoming.find_webhooks",
    "flowruns.services.upkeep.scheduler.schedule_runs": (
        "flowruns.services.upkeep.scheduler.find_next"
    ),
    "flowruns.services.upkeep.late_runs.mark_late_runs": (
        "flowruns.services.upkeep.late_runs.find_next"
    ),
    "flowruns.services.upkeep.heartbeat.end_abandoned_runs": (
        "flowruns.services.upkeep.heartbeat.find_attended"
    ),
    "flowruns.services.upkeep.abandoned.release_unstarted_runs": (
        "flowruns.services.upkeep.abandoned.find_next"
    ),
}
# Loops of which several run at once, so that one round that is slow delays no other
BACKGROUND_COPIES = {"approvals.messages.webhooks.deliver_webhooks": 4}

# Operation
# Whoever shows it may read /metrics; without one nobody may
METRICS_TOKEN = read_token("METRICS_TOKEN")
ACCESS_LOG = read_bool("ACCESS_LOG", default=False)
LOGGING = configure_logs(
    is_json=read_choice("LOG_FORMAT", of=("line", "json"), default="line") == "json",
    level=read_choice("LOG_LEVEL", of=("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO"),
)
