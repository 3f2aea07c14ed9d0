package main

import (
	"context"

	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"

	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func traceExporter(ctx context.Context, protocol string) sdktrace.SpanExporter {
	var exporter sdktrace.SpanExporter
	var err error
	switch protocol {
	case "grpc":
		exporter, err = otlptracegrpc.New(ctx)
	case "http/json":
		exporter, err = otlptracehttp.New(ctx, otlptracehttp.WithEncoding(otlptracehttp.EncodingJSON))
	default:
		exporter, err = otlptracehttp.New(ctx)
	}
	must(err)
	return exporter
}

func logExporter(ctx context.Context, protocol string) sdklog.Exporter {
	if protocol == "grpc" {
		exporter, err := otlploggrpc.New(ctx)
		must(err)
		return exporter
	}
	exporter, err := otlploghttp.New(ctx)
	must(err)
	return exporter
}

func metricExporter(ctx context.Context, protocol string) sdkmetric.Exporter {
	if protocol == "grpc" {
		exporter, err := otlpmetricgrpc.New(ctx)
		must(err)
		return exporter
	}
	exporter, err := otlpmetrichttp.New(ctx)
	must(err)
	return exporter
}
