// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"fmt"
	"net"
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

// From cancel() to the return of what waits in the kernel. Go's idiom: a Context that ends moves the
// deadline of the connection into the past.
func init() {
	benches = append([]struct {
		name string
		f    func()
	}{{"cancel_io", benchCancelIO}}, benches...)
}

func cancelReadTrial(conns []net.PacketConn) (median, last float64) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var waiting atomic.Int32
	var wg sync.WaitGroup
	ended := make([]time.Time, len(conns))
	for i, c := range conns {
		c.SetReadDeadline(time.Time{})
		wg.Add(1)
		go func() {
			defer wg.Done()
			stop := context.AfterFunc(ctx, func() { c.SetReadDeadline(time.Unix(1, 0)) })
			defer stop()
			buf := make([]byte, 64)
			waiting.Add(1)
			_, _, err := c.ReadFrom(buf)
			ended[i] = time.Now()
			check(err != nil, "the read was cancelled")
		}()
	}
	for int(waiting.Load()) < len(conns) {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(5 * time.Millisecond)
	begin := time.Now()
	cancel()
	wg.Wait()
	sort.Slice(ended, func(i, j int) bool { return ended[i].Before(ended[j]) })
	us := func(t time.Time) float64 { return float64(t.Sub(begin).Nanoseconds()) / 1e3 }
	return us(ended[len(ended)/2]), us(ended[len(ended)-1])
}

func benchCancelIO() {
	for _, c := range []struct{ n, trials int }{{1, 200}, {1000, 10}, {10_000, 3}} {
		conns := make([]net.PacketConn, c.n)
		for i := range conns {
			conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
			check(err == nil, "a socket for each")
			conns[i] = conn
		}
		trials := func(which int) func() []float64 {
			return func() []float64 {
				samples := make([]float64, 0, c.trials)
				for i := 0; i < c.trials; i++ {
					median, last := cancelReadTrial(conns)
					samples = append(samples, []float64{median, last}[which])
				}
				return samples
			}
		}
		dist(fmt.Sprintf("cancel_read_%d_median", c.n), "us", trials(0))
		dist(fmt.Sprintf("cancel_read_%d_last", c.n), "us", trials(1))
		for _, conn := range conns {
			conn.Close()
		}
	}
}
