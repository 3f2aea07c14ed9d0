package main

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
)

type recorder func(ctx context.Context, value float64, attributes metric.MeasurementOption)

func metricExporter(ctx context.Context, transport string) sdkmetric.Exporter {
	var exporter sdkmetric.Exporter
	var err error
	if transport == "grpc" {
		exporter, err = otlpmetricgrpc.New(ctx)
	} else {
		exporter, err = otlpmetrichttp.New(ctx)
	}
	must(err)
	return exporter
}

func views(told story) []sdkmetric.View {
	var made []sdkmetric.View
	for _, one := range told.Instruments {
		if one.Kind == "exponential_histogram" {
			made = append(made, sdkmetric.NewView(sdkmetric.Instrument{Name: one.Name},
				sdkmetric.Stream{Aggregation: sdkmetric.AggregationBase2ExponentialHistogram{MaxSize: 160, MaxScale: 20}}))
		}
		if one.Keep != nil {
			keys := make([]attribute.Key, len(one.Keep))
			for i, key := range one.Keep {
				keys[i] = attribute.Key(key)
			}
			made = append(made, sdkmetric.NewView(sdkmetric.Instrument{Name: one.Name},
				sdkmetric.Stream{AttributeFilter: attribute.NewAllowKeysFilter(keys...)}))
		}
	}
	return made
}

func sendMetrics(ctx context.Context, told story, transport string, resource *resource.Resource) {
	reader := sdkmetric.NewPeriodicReader(metricExporter(ctx, transport), sdkmetric.WithInterval(time.Hour))
	provider := sdkmetric.NewMeterProvider(
		sdkmetric.WithResource(resource), sdkmetric.WithReader(reader), sdkmetric.WithView(views(told)...))
	scope := told.Scopes["shop.web"]
	meter := provider.Meter("shop.web", metric.WithInstrumentationVersion(scope.Version),
		metric.WithSchemaURL(scope.SchemaURL), metric.WithInstrumentationAttributes(attributes(scope.Attributes)...))
	round := 0
	recorders := make([]recorder, len(told.Instruments))
	for i, one := range told.Instruments {
		recorders[i] = makeInstrument(meter, one, &round)
	}
	for ; round < 2; round++ {
		for i, one := range told.Instruments {
			for _, point := range one.Rounds[round] {
				recorders[i](within(ctx, told, point.Span), point.Value, metric.WithAttributes(attributes(point.Attributes)...))
			}
		}
		must(provider.ForceFlush(ctx))
	}
}

// makeInstrument gives the function that records; it does nothing where the SDK asks (observable instruments).
func makeInstrument(meter metric.Meter, one instrument, round *int) recorder {
	unit, description := metric.WithUnit(one.Unit), metric.WithDescription(one.Description)
	observeFloat := metric.WithFloat64Callback(func(_ context.Context, observer metric.Float64Observer) error {
		for _, point := range one.Rounds[*round] {
			observer.Observe(point.Value, metric.WithAttributes(attributes(point.Attributes)...))
		}
		return nil
	})
	observeInt := metric.WithInt64Callback(func(_ context.Context, observer metric.Int64Observer) error {
		for _, point := range one.Rounds[*round] {
			observer.Observe(int64(point.Value), metric.WithAttributes(attributes(point.Attributes)...))
		}
		return nil
	})
	asked := func(context.Context, float64, metric.MeasurementOption) {}
	var err error
	made := asked
	switch one.Kind + " " + one.Number {
	case "observable_gauge double":
		_, err = meter.Float64ObservableGauge(one.Name, unit, description, observeFloat)
	case "observable_counter double":
		_, err = meter.Float64ObservableCounter(one.Name, unit, description, observeFloat)
	case "observable_up_down_counter int":
		_, err = meter.Int64ObservableUpDownCounter(one.Name, unit, description, observeInt)
	default:
		made, err = makeSynchronous(meter, one)
	}
	must(err)
	return made
}

func makeSynchronous(meter metric.Meter, one instrument) (recorder, error) {
	unit, description := metric.WithUnit(one.Unit), metric.WithDescription(one.Description)
	switch one.Kind + " " + one.Number {
	case "gauge int":
		gauge, err := meter.Int64Gauge(one.Name, unit, description)
		return func(ctx context.Context, value float64, with metric.MeasurementOption) {
			gauge.Record(ctx, int64(value), with)
		}, err
	case "counter int":
		counter, err := meter.Int64Counter(one.Name, unit, description)
		return func(ctx context.Context, value float64, with metric.MeasurementOption) {
			counter.Add(ctx, int64(value), with)
		}, err
	case "counter double":
		counter, err := meter.Float64Counter(one.Name, unit, description)
		return func(ctx context.Context, value float64, with metric.MeasurementOption) { counter.Add(ctx, value, with) }, err
	case "up_down_counter int":
		counter, err := meter.Int64UpDownCounter(one.Name, unit, description)
		return func(ctx context.Context, value float64, with metric.MeasurementOption) {
			counter.Add(ctx, int64(value), with)
		}, err
	case "histogram double":
		histogram, err := meter.Float64Histogram(one.Name, unit, description, metric.WithExplicitBucketBoundaries(one.Bounds...))
		return func(ctx context.Context, value float64, with metric.MeasurementOption) {
			histogram.Record(ctx, value, with)
		}, err
	case "exponential_histogram int":
		histogram, err := meter.Int64Histogram(one.Name, unit, description)
		return func(ctx context.Context, value float64, with metric.MeasurementOption) {
			histogram.Record(ctx, int64(value), with)
		}, err
	}
	panic("no such instrument: " + one.Kind + " " + one.Number)
}
