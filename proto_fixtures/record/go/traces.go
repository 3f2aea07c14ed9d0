package main

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

var (
	kinds = map[string]trace.SpanKind{
		"internal": trace.SpanKindInternal, "server": trace.SpanKindServer, "client": trace.SpanKindClient,
		"producer": trace.SpanKindProducer, "consumer": trace.SpanKindConsumer,
	}
	statusCodes = map[string]codes.Code{"ok": codes.Ok, "error": codes.Error}
)

// toldIDs gives the ids of the story in its order, so that recordings can be compared with it.
type toldIDs struct{ spans []span }

func (t *toldIDs) NewIDs(context.Context) (trace.TraceID, trace.SpanID) {
	told := t.spans[0].context(false)
	t.spans = t.spans[1:]
	return told.TraceID(), told.SpanID()
}

func (t *toldIDs) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	_, spanID := t.NewIDs(ctx)
	return spanID
}

type cardError struct{}

func (*cardError) Error() string { return "card declined" }

func traceExporter(ctx context.Context, transport string) sdktrace.SpanExporter {
	var client otlptrace.Client
	switch transport {
	case "grpc":
		client = otlptracegrpc.NewClient()
	case "http-json":
		client = otlptracehttp.NewClient(otlptracehttp.WithEncoding(otlptracehttp.EncodingJSON))
	default:
		client = otlptracehttp.NewClient()
	}
	exporter, err := otlptrace.New(ctx, client)
	must(err)
	return exporter
}

func sendTraces(ctx context.Context, told story, transport string, resource *resource.Resource) {
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithResource(resource),
		sdktrace.WithIDGenerator(&toldIDs{told.Spans}),
		sdktrace.WithBatcher(traceExporter(ctx, transport), sdktrace.WithBatchTimeout(time.Hour)),
	)
	contexts := map[string]context.Context{}
	for _, one := range told.Spans {
		parent, ok := contexts[one.ParentSpanID]
		if !ok {
			parent = ctx
			if one.ParentSpanID != "" {
				remote := one
				remote.SpanID = one.ParentSpanID
				parent = trace.ContextWithSpanContext(ctx, remote.context(true))
			}
		}
		contexts[one.SpanID] = start(parent, told, provider, one)
	}
	for i := len(told.Spans) - 1; i >= 0; i-- {
		finish(trace.SpanFromContext(contexts[told.Spans[i].SpanID]), told, told.Spans[i])
	}
	must(provider.ForceFlush(ctx))
}

func start(parent context.Context, told story, provider *sdktrace.TracerProvider, one span) context.Context {
	scope := told.Scopes[one.Scope]
	tracer := provider.Tracer(one.Scope, trace.WithInstrumentationVersion(scope.Version),
		trace.WithSchemaURL(scope.SchemaURL), trace.WithInstrumentationAttributes(attributes(scope.Attributes)...))
	links := make([]trace.Link, len(one.Links))
	for i, link := range one.Links {
		links[i] = trace.Link{SpanContext: link.context(false), Attributes: attributes(link.Attributes)}
	}
	started, _ := tracer.Start(parent, one.Name, trace.WithSpanKind(kinds[one.Kind]),
		trace.WithAttributes(attributes(one.Attributes)...), trace.WithLinks(links...), trace.WithTimestamp(told.at(one.Start)))
	return started
}

func finish(live trace.Span, told story, one span) {
	for _, event := range one.Events {
		live.AddEvent(event.Name, trace.WithAttributes(attributes(event.Attributes)...), trace.WithTimestamp(told.at(event.At)))
	}
	if one.ExceptionAt != nil {
		live.RecordError(&cardError{}, trace.WithTimestamp(told.at(*one.ExceptionAt)), trace.WithStackTrace(true))
	}
	if code, ok := statusCodes[one.Status.Code]; ok {
		live.SetStatus(code, one.Status.Message)
	}
	live.End(trace.WithTimestamp(told.at(one.Start + one.Duration)))
}
