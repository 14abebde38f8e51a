# The build stage installs what the lock files pin by hash; the image holds the result and nothing that built it.
FROM python:3.13-slim AS build
WORKDIR /src
COPY deploy/build.lock deploy/
RUN python -m venv /opt/build && /opt/build/bin/pip install --no-cache-dir --require-hashes -r deploy/build.lock
RUN python -m venv --without-pip /opt/wemasy-mcp
COPY requirements.lock ./
RUN /opt/build/bin/pip --python /opt/wemasy-mcp/bin/python install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY wemasy_mcp/ wemasy_mcp/
RUN /opt/build/bin/pip wheel --no-build-isolation --no-deps --wheel-dir /opt/wheels .
RUN /opt/build/bin/pip --python /opt/wemasy-mcp/bin/python install --no-index --no-deps /opt/wheels/wemasy_mcp-*.whl

FROM python:3.13-slim
# The official image comes without the standard library's bytecode, and a user who may not write makes none.
RUN python -m compileall -q /usr/local/lib/python3.13
COPY --from=build /opt/wemasy-mcp /opt/wemasy-mcp
ENV PATH=/opt/wemasy-mcp/bin:$PATH PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
EXPOSE 8000
# For the HTTP transports; over stdio the host watches the process itself.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["python", "-c", "import os; from http.client import HTTPConnection as To; to = To('127.0.0.1', int(os.environ.get('WEMASY_PORT') or 8000), timeout=4); to.request('GET', '/healthz'); assert to.getresponse().status == 200"]
ENTRYPOINT ["wemasy-mcp"]
