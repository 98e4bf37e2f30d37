# One image per program: `docker build --target operator|trader|paper-exchange .`
# Builds with BuildKit and with the classic builder alike.
#
# BASE is any image with Python 3.11 or newer and its venv module. Packages are compiled for the
# Python of the base, so builder and program share it. COMMIT, which may be left out, is what
# the program's metrics name as the commit that it was built from.
ARG BASE=python:3.11-slim-bookworm


FROM ${BASE} AS builder
# Where packages come from is the building machine's own business: given with --build-arg, these
# reach pip in the builder stages, and nothing of them is in an image that is shipped.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
ARG PIP_CERT
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_REQUIRE_HASHES=1 \
    PIP_ROOT_USER_ACTION=ignore PIP_PYTHON=/opt/venv/bin/python3
# pip has a virtual environment of its own; the one that is shipped has no pip.
# COMPILE: an image is read-only, so bytecode is made here, once, and never checked against its source.
RUN python3 -m venv /opt/pip && python3 -m venv --without-pip /opt/venv
ENV COMPILE="/opt/venv/bin/python3 -m compileall -q --invalidation-mode unchecked-hash"
# TRIM: of the Kubernetes package the programs load the asyncio half, one generated API and a few models
# of it; what else is generated is deleted, or not compiled, since it loads on demand and never does.
ENV TRIM="find /opt/venv/lib ( -path */kubernetes/client/models/*_*.py -o -path */kubernetes/*client/api/*_*.py ) ! -name __init__.py ! -name custom_objects_api.py -delete"
ENV MODELS="kubernetes/aio/client/models/v(?!1_(api_resource|delete_options|preconditions))"

FROM builder AS operator-build
COPY requirements/operator.txt /tmp/requirements.txt
RUN /opt/pip/bin/pip install --no-compile -r /tmp/requirements.txt && set -f && $TRIM && \
    $COMPILE -x "$MODELS" /opt/venv/lib && \
    printf '%s\n' '#!/opt/venv/bin/python3' 'from symbol_operator.__main__ import main' 'raise SystemExit(main())' \
      >/opt/venv/bin/symbol-operator && \
    chmod 755 /opt/venv/bin/symbol-operator
COPY crds/tradingsymbol_api /opt/program/tradingsymbol_api
COPY operator/symbol_operator /opt/program/symbol_operator
RUN $COMPILE /opt/program

FROM builder AS trader-build
COPY requirements/trader.txt /tmp/requirements.txt
RUN /opt/pip/bin/pip install --no-compile -r /tmp/requirements.txt && set -f && $TRIM && \
    $COMPILE -x "$MODELS" /opt/venv/lib && \
    printf '%s\n' '#!/opt/venv/bin/python3' 'from symbol_trader.__main__ import main' 'raise SystemExit(main())' \
      >/opt/venv/bin/symbol-trader && \
    chmod 755 /opt/venv/bin/symbol-trader
COPY crds/tradingsymbol_api /opt/program/tradingsymbol_api
COPY trader_image/symbol_trader /opt/program/symbol_trader
RUN $COMPILE /opt/program

FROM builder AS paper-exchange-build
COPY requirements/paper-exchange.txt /tmp/requirements.txt
RUN /opt/pip/bin/pip install --no-compile -r /tmp/requirements.txt && $COMPILE /opt/venv/lib && \
    printf '%s\n' '#!/opt/venv/bin/python3' 'from paper_exchange.__main__ import main' 'raise SystemExit(main())' \
      >/opt/venv/bin/paper-exchange && \
    chmod 755 /opt/venv/bin/paper-exchange
COPY trader_image/paper_exchange /opt/program/paper_exchange
RUN $COMPILE /opt/program


FROM ${BASE} AS runtime
# What installs software has no place in an image that runs it.
RUN rm -rf /usr/local/lib/python3.*/site-packages/pip* /usr/local/lib/python3.*/ensurepip \
      /usr/lib/python3.*/ensurepip /usr/share/python-wheels /usr/local/bin/pip* && \
    echo 'program:x:10001:10001::/nonexistent:/usr/sbin/nologin' >>/etc/passwd && \
    echo 'program:x:10001:' >>/etc/group
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin PYTHONPATH=/opt/program \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONSAFEPATH=1
WORKDIR /
USER 10001:10001

FROM runtime AS operator
COPY --from=operator-build /opt/venv /opt/venv
COPY --from=operator-build /opt/program /opt/program
ARG COMMIT
ENV BUILD_COMMIT=${COMMIT}
ENTRYPOINT ["symbol-operator"]

FROM runtime AS trader
COPY --from=trader-build /opt/venv /opt/venv
COPY --from=trader-build /opt/program /opt/program
ARG COMMIT
ENV BUILD_COMMIT=${COMMIT}
ENTRYPOINT ["symbol-trader"]

FROM runtime AS paper-exchange
COPY --from=paper-exchange-build /opt/venv /opt/venv
COPY --from=paper-exchange-build /opt/program /opt/program
ENTRYPOINT ["paper-exchange"]
