// SPDX-License-Identifier: MIT

package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"runtime"
	"time"
)

// With -samples FILE the cancel benchmark writes the raw latency of each trial there, for the
// picture of the distributions: lines "shared|own n first_us last_us". The trials of a size end
// with their number or after two seconds, so that a demo stays short.
var samplesFile = flag.String("samples", "", "with -bench cancel: write raw latencies to this file")

func init() {
	for i := range benches {
		if benches[i].name == "cancel" {
			summary := benches[i].f
			benches[i].f = func() {
				if *samplesFile == "" {
					summary()
				} else {
					writeCancelSamples(*samplesFile)
				}
			}
		}
	}
}

func writeCancelSamples(path string) {
	file, err := os.Create(path)
	check(err == nil, "the file for the samples can be written")
	out := bufio.NewWriter(file)
	for _, own := range []bool{false, true} {
		tag := "shared"
		if own {
			tag = "own"
		}
		for _, c := range []struct{ n, trials int }{
			{1, 300}, {10, 300}, {100, 200}, {1_000, 100}, {10_000, 50}, {100_000, 12},
		} {
			runtime.GC()
			start := time.Now()
			for t := 0; t < c.trials && (t < 3 || time.Since(start) < 2*time.Second); t++ {
				first, last := cancelTrial(c.n, own)
				fmt.Fprintf(out, "%s %d %.3f %.3f\n", tag, c.n, first, last)
			}
		}
	}
	check(out.Flush() == nil && file.Close() == nil, "the samples were written")
}
