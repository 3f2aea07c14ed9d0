package main

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	otellog "go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/log/noop"
	"go.opentelemetry.io/otel/metric"
	noopmetric "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"

	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

type shop struct {
	tracer    trace.Tracer
	logger    otellog.Logger
	orders    metric.Int64Counter
	durations metric.Float64Histogram
	queue     metric.Int64Gauge
	flushes   []func(context.Context) error
	shutdowns []func(context.Context) error
}

type provider interface {
	ForceFlush(context.Context) error
	Shutdown(context.Context) error
}

func (s *shop) send(by provider) {
	s.flushes = append(s.flushes, by.ForceFlush)
	s.shutdowns = append(s.shutdowns, by.Shutdown)
}

// open has Go's exporters write JSON for traces only: they know no other signal in JSON.
func open(ctx context.Context, protocol string) *shop {
	traces := sdktrace.NewTracerProvider(sdktrace.WithBatcher(traceExporter(ctx, protocol)))
	made := &shop{tracer: traces.Tracer("shop"), logger: noop.NewLoggerProvider().Logger("")}
	made.send(traces)
	var meters metric.MeterProvider = noopmetric.NewMeterProvider()
	if protocol != "http/json" {
		logs := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(logExporter(ctx, protocol))))
		metrics := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewPeriodicReader(metricExporter(ctx, protocol))))
		made.logger, meters = logs.Logger("shop"), metrics
		made.send(logs)
		made.send(metrics)
	}
	made.openMeter(meters.Meter("shop"))
	return made
}

func (s *shop) openMeter(meter metric.Meter) {
	var err error
	s.orders, err = meter.Int64Counter("orders", metric.WithUnit("{order}"))
	must(err)
	s.durations, err = meter.Float64Histogram("checkout.duration", metric.WithUnit("ms"))
	must(err)
	s.queue, err = meter.Int64Gauge("queue.length")
	must(err)
}

func (s *shop) sell(ctx context.Context, order string) {
	s.say(ctx, otellog.SeverityInfo, "order "+order+" received")
	within, root := s.tracer.Start(ctx, "checkout", trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("order.id", order), attribute.Int("cart.items", 3), attribute.Float64("cart.total", 59.5),
		attribute.Bool("customer.returning", true), attribute.StringSlice("tags", []string{"gift", "express"}),
	))
	s.charge(within, order)
	root.End()
	s.orders.Add(ctx, 2, metric.WithAttributes(attribute.String("region", "eu")))
	s.durations.Record(ctx, 12.5)
	s.durations.Record(ctx, 40.5)
	s.queue.Record(ctx, 7)
}

func (s *shop) charge(ctx context.Context, order string) {
	within, span := s.tracer.Start(ctx, "charge card", trace.WithSpanKind(trace.SpanKindClient))
	defer span.End()
	span.AddEvent("card declined", trace.WithAttributes(attribute.Int("attempt", 1)))
	span.SetStatus(codes.Error, "declined")
	var record otellog.Record
	record.SetSeverity(otellog.SeverityError)
	record.SetSeverityText("ERROR")
	record.SetBody(attribute.StringValue("card declined for order " + order))
	record.SetEventName("payment.failed")
	record.AddAttributes(attribute.String("order.id", order))
	s.logger.Emit(within, record)
}

func (s *shop) say(ctx context.Context, severity otellog.Severity, body string) {
	var record otellog.Record
	record.SetSeverity(severity)
	record.SetBody(attribute.StringValue(body))
	s.logger.Emit(ctx, record)
}
