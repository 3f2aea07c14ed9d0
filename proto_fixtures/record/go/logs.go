package main

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/trace"
)

func logExporter(ctx context.Context, transport string) sdklog.Exporter {
	var exporter sdklog.Exporter
	var err error
	if transport == "grpc" {
		exporter, err = otlploggrpc.New(ctx)
	} else {
		exporter, err = otlploghttp.New(ctx)
	}
	must(err)
	return exporter
}

func sendLogs(ctx context.Context, told story, transport string, resource *resource.Resource) {
	processor := sdklog.NewBatchProcessor(logExporter(ctx, transport), sdklog.WithExportInterval(time.Hour))
	provider := sdklog.NewLoggerProvider(sdklog.WithResource(resource), sdklog.WithProcessor(processor))
	for _, one := range told.Logs {
		scope := told.Scopes[one.Scope]
		logger := provider.Logger(one.Scope, log.WithInstrumentationVersion(scope.Version),
			log.WithSchemaURL(scope.SchemaURL), log.WithInstrumentationAttributes(attributes(scope.Attributes)...))
		logger.Emit(within(ctx, told, one.Span), record(told, one))
	}
	must(provider.ForceFlush(ctx))
}

func record(told story, one logRecord) log.Record {
	var made log.Record
	made.SetTimestamp(told.at(one.At))
	made.SetObservedTimestamp(told.at(one.ObservedAt))
	made.SetSeverity(log.Severity(one.SeverityNumber))
	made.SetSeverityText(one.SeverityText)
	made.SetEventName(one.EventName)
	if one.Body != nil {
		made.SetBody(value(one.Body))
	}
	made.AddAttributes(attributes(one.Attributes)...)
	if one.Exception {
		made.SetErr(&cardError{})
	}
	return made
}

// within gives the context in which the span of that index is the current one.
func within(ctx context.Context, told story, index *int) context.Context {
	if index == nil {
		return ctx
	}
	return trace.ContextWithSpanContext(ctx, told.Spans[*index].context(false))
}
