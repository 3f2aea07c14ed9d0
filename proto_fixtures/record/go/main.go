// Tells the story with the OpenTelemetry SDK for Go, through its own OTLP exporters.
//
// client TRANSPORT PART STORY; the endpoint, the compression and the temporality come from the standard
// OTEL_EXPORTER_OTLP_… variables and nothing else does.
package main

import (
	"context"
	"log"
	"os"

	"go.opentelemetry.io/otel/sdk/resource"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	transport, part, path := os.Args[1], os.Args[2], os.Args[3]
	told := readStory(path)
	described, err := resource.Merge(resource.Default(), resource.NewSchemaless(attributes(told.Resource)...))
	must(err)
	send := sendMetrics
	switch part {
	case "traces":
		send = sendTraces
	case "logs":
		send = sendLogs
	}
	send(context.Background(), told, transport, described)
}
