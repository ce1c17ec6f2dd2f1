# One file, one target per image: processor, healthcheck, relay, novnc, simulator. Compose names the target.
# All run as uid 1000, the user that owns the secret files.

FROM python:3.13-slim AS packages
COPY requirements.txt /tmp/
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m venv --without-pip /opt/rebalancer \
    && python -m pip --disable-pip-version-check --python /opt/rebalancer/bin/python install --quiet --no-compile \
        --root-user-action ignore --no-deps --require-hashes --only-binary :all: --requirement /tmp/requirements.txt \
    && rm -rf /opt/rebalancer/share /opt/rebalancer/include \
    && find /opt/rebalancer/lib -type d -name tests -prune -exec rm -rf {} +
COPY docker/rebalancer /opt/rebalancer/bin/
COPY healthcheck /opt/rebalancer/lib/python3.13/site-packages/healthcheck
COPY event_processor /opt/rebalancer/lib/python3.13/site-packages/event_processor
RUN /opt/rebalancer/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/rebalancer/lib

FROM python:3.13-slim AS python
RUN useradd --uid 1000 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin rebalancer
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /tmp
USER 1000:1000

FROM python AS processor
COPY --from=packages /opt/rebalancer /opt/rebalancer
ENV PATH=/opt/rebalancer/bin:$PATH
CMD ["rebalancer", "run"]

FROM python AS healthcheck
COPY healthcheck /opt/rebalancer/healthcheck
ENV PYTHONPATH=/opt/rebalancer
ENTRYPOINT ["python", "-m", "healthcheck"]

FROM debian:trixie-slim AS relay
RUN apt-get update -qq \
    && apt-get install -qq --no-install-recommends socat >/dev/null \
    && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log
COPY docker/relay/entry.sh /usr/local/bin/relay
USER 1000:1000
ENTRYPOINT ["relay"]

# Debian's packages without what they merely suggest to need (Node.js, numpy, OpenSSL's command …): noVNC is a set
# of static files, and websockify runs on Python alone.
FROM debian:trixie-slim AS novnc-files
WORKDIR /packages
RUN apt-get update -qq \
    && apt-get download -qq novnc python3-websockify \
    && for package in *.deb; do dpkg-deb --extract "$package" /files; done \
    && rm -f /files/usr/share/novnc/vnc_lite.html /files/usr/share/novnc/vnc_auto.html
COPY docker/novnc/again.js docker/novnc/index.html docker/novnc/mandatory.json /files/usr/share/novnc/
COPY docker/novnc/loaded.html /packages/
RUN sed -i -e '0,/<script type="module"/s//<script type="module" src="again.js"><\/script>\n    &/' \
        -e '/<title>/r loaded.html' /files/usr/share/novnc/vnc.html

FROM debian:trixie-slim AS novnc
RUN apt-get update -qq \
    && apt-get install -qq --no-install-recommends python3 >/dev/null \
    && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log
COPY --from=novnc-files /files/usr/share/novnc /usr/share/novnc
COPY --from=novnc-files /files/usr/lib/python3/dist-packages/websockify /usr/lib/python3/dist-packages/websockify
COPY docker/novnc/entry.sh /usr/local/bin/novnc
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONWARNINGS=ignore
USER 1000:1000
ENTRYPOINT ["novnc"]

# ---- simulator: stands in for the gateway image ------------------------------------------------------------------
# Same user, folders, ports and programs as gnzsnz/ib-gateway; the window is drawn by Tk. Xvfb drags in a whole OpenGL
# driver that nothing here uses.
FROM debian:trixie-slim AS simulator
RUN apt-get update -qq \
    && apt-get install -qq --no-install-recommends bash fonts-open-sans procps python3 python3-tk socat tzdata x11vnc \
        xvfb >/dev/null \
    && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log /usr/lib/*/libLLVM* /usr/lib/*/libgallium* \
        /usr/lib/python3*/ensurepip /usr/share/doc /usr/share/icons \
    && useradd --uid 1000 --user-group --create-home --home-dir /home/ibgateway --shell /bin/bash ibgateway \
    && install --directory --mode 1777 /tmp/.X11-unix
COPY --chown=1000:1000 gateway_simulator/stand_in/config.ini.tmpl /home/ibgateway/ibc/config.ini.tmpl
COPY gateway_simulator /opt/rebalancer/gateway_simulator
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /opt/rebalancer \
    && install --directory --owner 1000 --group 1000 /home/ibgateway/Jts /home/ibgateway/tws_settings \
    && chown 1000:1000 /home/ibgateway/ibc
ENV HOME=/home/ibgateway PYTHONPATH=/opt/rebalancer PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /home/ibgateway
USER 1000:1000
CMD ["python3", "-m", "gateway_simulator.stand_in"]
