# The server with its background loops, or one of both: `serve`, `serve --no-background`, `work`.
FROM python:3.13-slim-trixie AS build
WORKDIR /app
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PYTHON_DOWNLOADS=never
RUN python -m pip install --no-cache-dir --root-user-action=ignore "uv>=0.9,<1"
COPY pyproject.toml uv.lock README.md LICENSE ./
RUN uv sync --locked --no-default-groups --extra server --no-install-project
COPY approvals approvals
COPY flowruns flowruns
COPY templates templates
COPY static static
RUN uv sync --locked --no-default-groups --extra server --no-editable

FROM python:3.13-slim-trixie
# `backup` and `restore` need pg_dump and pg_restore, of the server's version or a newer one
RUN apt-get update \
    && apt-get install --yes --no-install-recommends postgresql-client \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home --home-dir /data approvals \
    && chmod 700 /data
COPY --from=build /app/.venv /app/.venv
ENV PATH=/app/.venv/bin:$PATH APPROVALS_HOME=/data PYTHONUNBUFFERED=1
USER approvals
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["python", "-c", \
    "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/api/ready', timeout=4)"]
ENTRYPOINT ["approvals"]
CMD ["serve", "--host", "0.0.0.0"]
