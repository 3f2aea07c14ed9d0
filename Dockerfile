# The image has what runs and nothing else: the package is built in one stage and installed into another.
FROM python:3.13-slim AS build
WORKDIR /source
COPY . .
RUN python -m venv /opt/otlpd \
 && /opt/otlpd/bin/pip install --no-cache-dir --constraint constraints.txt .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin otlpd \
 && install -d -o otlpd -g otlpd -m 0750 /data
COPY --from=build /opt/otlpd /opt/otlpd
ENV PATH=/opt/otlpd/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    OTLPD_DB=/data/otlpd.db \
    OTLPD_HOST=0.0.0.0 \
    OTLPD_LOG_FORMAT=json
USER otlpd
VOLUME /data
EXPOSE 4317 4318 8000
# Finds the address in the lock file, so it holds for any ports and for TLS.
HEALTHCHECK --interval=15s --timeout=8s --start-period=10s CMD ["otlpd", "check"]
# Listening on 0.0.0.0 needs API keys (OTLPD_API_KEYS, or `otlpd keys add` in the volume) or OTLPD_INSECURE=true.
ENTRYPOINT ["otlpd"]
CMD ["serve"]
