#!/bin/sh
# Starts otlpd: start.sh [--port N] [--host ADDR] [--log-level LEVEL] [further flags of `otlpd serve`]
set -eu
count=$#
while [ "$count" -gt 0 ]; do
  word=$1
  shift
  case "$word" in
    --help|-h) sed -n '2s/^# //p' "$0"; exit 0 ;;
    --port) word=--api-port ;;
    --port=*) word=--api-port=${word#*=} ;;
  esac
  set -- "$@" "$word"
  count=$((count - 1))
done
if command -v otlpd >/dev/null 2>&1; then
  exec otlpd serve "$@"
fi
exec python3 -m otlpd serve "$@"
