package main

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// Values of the story: whole numbers are int64, numbers with a point are float64, {"$hex": hex} is bytes.
type (
	object map[string]any

	story struct {
		EpochSeconds int64            `json:"epoch_seconds"`
		Resource     object           `json:"resource"`
		Scopes       map[string]scope `json:"scopes"`
		Spans        []span           `json:"spans"`
		Logs         []logRecord      `json:"logs"`
		Instruments  []instrument     `json:"instruments"`
	}

	scope struct {
		Version    string `json:"version"`
		SchemaURL  string `json:"schema_url"`
		Attributes object `json:"attributes"`
	}

	span struct {
		TraceID      string  `json:"trace_id"`
		SpanID       string  `json:"span_id"`
		ParentSpanID string  `json:"parent_span_id"`
		TraceState   string  `json:"trace_state"`
		Scope        string  `json:"scope"`
		Name         string  `json:"name"`
		Kind         string  `json:"kind"`
		Start        int64   `json:"start"`
		Duration     int64   `json:"duration"`
		Status       status  `json:"status"`
		Attributes   object  `json:"attributes"`
		ExceptionAt  *int64  `json:"exception_at"`
		Events       []event `json:"events"`
		Links        []span  `json:"links"`
	}

	status struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}

	event struct {
		Name       string `json:"name"`
		At         int64  `json:"at"`
		Attributes object `json:"attributes"`
	}

	logRecord struct {
		At             int64  `json:"at"`
		ObservedAt     int64  `json:"observed_at"`
		Scope          string `json:"scope"`
		SeverityNumber int    `json:"severity_number"`
		SeverityText   string `json:"severity_text"`
		EventName      string `json:"event_name"`
		Body           any    `json:"body"`
		Span           *int   `json:"span"`
		Exception      bool   `json:"exception"`
		Attributes     object `json:"attributes"`
	}

	instrument struct {
		Name        string    `json:"name"`
		Kind        string    `json:"kind"`
		Number      string    `json:"number"`
		Unit        string    `json:"unit"`
		Description string    `json:"description"`
		Bounds      []float64 `json:"bounds"`
		Keep        []string  `json:"keep"`
		Rounds      [][]point `json:"rounds"`
	}

	point struct {
		Value      float64 `json:"value"`
		Attributes object  `json:"attributes"`
		Span       *int    `json:"span"`
	}
)

func readStory(path string) story {
	file, err := os.Open(path)
	must(err)
	defer file.Close()
	decoder := json.NewDecoder(file)
	decoder.UseNumber()
	var told story
	must(decoder.Decode(&told))
	return told
}

func (s story) at(offset int64) time.Time { return time.Unix(s.EpochSeconds, offset).UTC() }

func value(plain any) attribute.Value {
	switch plain := plain.(type) {
	case string:
		return attribute.StringValue(plain)
	case bool:
		return attribute.BoolValue(plain)
	case json.Number:
		if strings.ContainsAny(plain.String(), ".eE") {
			number, err := plain.Float64()
			must(err)
			return attribute.Float64Value(number)
		}
		number, err := plain.Int64()
		must(err)
		return attribute.Int64Value(number)
	case []any:
		values := make([]attribute.Value, len(plain))
		for i, item := range plain {
			values[i] = value(item)
		}
		return attribute.SliceValue(values...)
	case map[string]any:
		if text, ok := plain["$hex"].(string); ok {
			bytes, err := hex.DecodeString(text)
			must(err)
			return attribute.ByteSliceValue(bytes)
		}
		return attribute.MapValue(attributes(plain)...)
	}
	return attribute.Value{}
}

func attributes(plain object) []attribute.KeyValue {
	pairs := make([]attribute.KeyValue, 0, len(plain))
	for key, item := range plain {
		pairs = append(pairs, attribute.KeyValue{Key: attribute.Key(key), Value: value(item)})
	}
	return pairs
}

func (s span) context(remote bool) trace.SpanContext {
	traceID, err := trace.TraceIDFromHex(s.TraceID)
	must(err)
	spanID, err := trace.SpanIDFromHex(s.SpanID)
	must(err)
	state, err := trace.ParseTraceState(s.TraceState)
	must(err)
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceID, SpanID: spanID, TraceState: state, TraceFlags: trace.FlagsSampled, Remote: remote,
	})
}
