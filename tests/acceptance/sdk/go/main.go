// A shop that reports with the OpenTelemetry SDK for Go: for every order number on standard input one trace, two log records
// and three metrics, flushed before the number is repeated on standard output. Everything about the receiver comes from the
// standard OTEL_… variables; what the SDK has to say goes to standard error.
package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"os"
	"sync"

	"github.com/go-logr/stdr"
	"go.opentelemetry.io/otel"
)

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	stdr.SetVerbosity(1) // warnings too
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Print(err) }))
	ctx := context.Background()
	shop := open(ctx, os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL"))
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		shop.sell(ctx, lines.Text())
		all(ctx, shop.flushes)
		fmt.Println(lines.Text())
	}
	all(ctx, shop.shutdowns)
}

// all sends the signals at once, as their timers may do.
func all(ctx context.Context, steps []func(context.Context) error) {
	var waiting sync.WaitGroup
	for _, step := range steps {
		waiting.Go(func() {
			if err := step(ctx); err != nil {
				otel.Handle(err)
			}
		})
	}
	waiting.Wait()
}
