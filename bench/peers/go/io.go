// SPDX-License-Identifier: MIT
//
// Go's side of what burrow measures of I/O beyond main.go: cancelling what waits, connections made
// and ended, files, HTTP under wrk, idle connections. Needs context.AfterFunc, of Go 1.21; an older
// one goes without.

//go:build go1.21

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func init() {
	benches = append([]struct {
		name string
		f    func()
	}{
		{"cancel_io", benchCancelIO}, {"accept", benchAccept}, {"files", benchFiles},
		{"http", benchHTTP}, {"idle", benchIdle},
	}, benches...)
}

func goIn(wg *sync.WaitGroup, f func()) {
	wg.Add(1)
	go func() {
		defer wg.Done()
		f()
	}()
}

func raiseDescriptorLimit() int {
	var limit syscall.Rlimit
	check(syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) == nil, "the limit on descriptors")
	limit.Cur = limit.Max
	check(syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit) == nil, "a higher limit on descriptors")
	if limit.Max > 1_000_000 {
		return 1_000_000
	}
	return int(limit.Max)
}

// ------------------------------------------------------- cancelling what waits

var longAgo = time.Unix(1, 0)

// As Go programs do it: a deadline in the past, set when the Context ends.
func readUntil(ctx context.Context, c net.Conn) {
	stop := context.AfterFunc(ctx, func() { c.SetReadDeadline(longAgo) })
	defer stop()
	var b [64]byte
	_, err := c.Read(b[:])
	check(os.IsTimeout(err), "what waited was cancelled")
}

func acceptUntil(ctx context.Context, l *net.TCPListener) {
	stop := context.AfterFunc(ctx, func() { l.SetDeadline(longAgo) })
	defer stop()
	_, err := l.Accept()
	check(os.IsTimeout(err), "what waited was cancelled")
}

func sleepUntil(ctx context.Context) {
	t := time.NewTimer(time.Hour)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
		check(false, "what waited was cancelled")
	}
}

// Microseconds to the end of the median and of the last.
func waitTrial(n int, wait func(context.Context, int)) (float64, float64) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make([]time.Time, n)
	var waiting atomic.Int64
	var all sync.WaitGroup
	all.Add(n)
	for i := 0; i < n; i++ {
		go func(i int) {
			waiting.Add(1)
			wait(ctx, i)
			ended[i] = time.Now()
			all.Done()
		}(i)
	}
	for waiting.Load() < int64(n) {
		time.Sleep(100 * time.Microsecond)
	}
	time.Sleep(5*time.Millisecond + time.Duration(n)*time.Microsecond) // until all of them wait
	begin := time.Now()
	cancel()
	all.Wait()
	sort.Slice(ended, func(i, j int) bool { return ended[i].Before(ended[j]) })
	us := func(at time.Time) float64 { return float64(at.Sub(begin).Nanoseconds()) / 1e3 }
	return us(ended[n/2]), us(ended[n-1])
}

// prepare makes what n goroutines wait on; between is called before each trial.
func cancelAll(what string, prepare func(n int) (wait func(context.Context, int), between, end func())) {
	for _, s := range []struct{ n, trials int }{{1, 200}, {1000, 10}, {10_000, 3}} {
		wait, between, end := prepare(s.n)
		var lasts []float64
		name := fmt.Sprintf("cancel_%s_%d", what, s.n)
		medians := func() []float64 {
			var medians []float64
			lasts = nil
			for i := 0; i < s.trials; i++ {
				between()
				middle, last := waitTrial(s.n, wait)
				medians = append(medians, middle)
				lasts = append(lasts, last)
			}
			return medians
		}
		dist(name+"_median", "us", medians)
		dist(name+"_last", "us", func() []float64 { medians(); return lasts })
		end()
	}
}

func benchCancelIO() {
	raiseDescriptorLimit()
	cancelAll("read", func(n int) (func(context.Context, int), func(), func()) {
		conns := make([]net.Conn, n)
		for i := range conns {
			c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
			check(err == nil, "a socket for each")
			conns[i] = c
		}
		each := func(f func(net.Conn)) func() {
			return func() {
				for _, c := range conns {
					f(c)
				}
			}
		}
		return func(ctx context.Context, i int) { readUntil(ctx, conns[i]) },
			each(func(c net.Conn) { c.SetReadDeadline(time.Time{}) }), each(func(c net.Conn) { c.Close() })
	})
	cancelAll("accept", func(n int) (func(context.Context, int), func(), func()) {
		listeners := make([]*net.TCPListener, n)
		for i := range listeners {
			l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
			check(err == nil, "a listener for each")
			listeners[i] = l
		}
		each := func(f func(*net.TCPListener)) func() {
			return func() {
				for _, l := range listeners {
					f(l)
				}
			}
		}
		return func(ctx context.Context, i int) { acceptUntil(ctx, listeners[i]) },
			each(func(l *net.TCPListener) { l.SetDeadline(time.Time{}) }),
			each(func(l *net.TCPListener) { l.Close() })
	})
	cancelAll("sleep", func(int) (func(context.Context, int), func(), func()) {
		nothing := func() {}
		return func(ctx context.Context, _ int) { sleepUntil(ctx) }, nothing, nothing
	})
}

// ---------------------------------------------------- connections made and ended

func benchAccept() {
	const connections, clients = 10_000, 8
	repeatN(*reps, "accept_close", "conn/s", true, func() float64 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		check(err == nil, "listen")
		defer l.Close()
		var all sync.WaitGroup
		t := time.Now()
		goIn(&all, func() {
			for i := 0; i < connections; i++ {
				c, err := l.Accept()
				check(err == nil, "accept")
				check(c.Close() == nil, "close")
			}
		})
		for i := 0; i < clients; i++ {
			goIn(&all, func() {
				var b [1]byte
				for i := 0; i < connections/clients; i++ {
					c, err := net.Dial("tcp", l.Addr().String())
					check(err == nil, "dial")
					_, err = c.Read(b[:])
					check(err == io.EOF, "the server has closed")
					c.Close()
				}
			})
		}
		all.Wait()
		return connections / time.Since(t).Seconds()
	})
}

// ------------------------------------------------------------------------- files

func benchFiles() {
	const size, count, readers, rounds = 64 * 1024, 64, 8, 40
	folder, err := os.MkdirTemp("", "go-bench-")
	check(err == nil, "a folder for the files")
	defer os.RemoveAll(folder)
	path := func(i int) string { return filepath.Join(folder, strconv.Itoa(i)) }
	for i := 0; i < count; i++ {
		check(os.WriteFile(path(i), make([]byte, size), 0o600) == nil, "the files are written")
	}
	repeat("file_read_64KiB", "us/file", func() float64 {
		var all sync.WaitGroup
		t := time.Now()
		for first := 0; first < readers; first++ {
			first := first
			goIn(&all, func() {
				for round := 0; round < rounds; round++ {
					for i := first; i < count; i += readers {
						b, err := os.ReadFile(path(i))
						check(err == nil && len(b) == size, "a file is read whole")
					}
				}
			})
		}
		all.Wait()
		return float64(time.Since(t).Nanoseconds()) / 1e3 / (rounds * count)
	})
}

// -------------------------------------------------------------------- HTTP and wrk

func benchHTTP() {
	wrk, err := exec.LookPath("wrk")
	if err != nil {
		fmt.Println("# http: wrk is not installed")
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err == nil, "listen")
	server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, "Hello, World!")
	})}
	go server.Serve(l)
	defer server.Close()
	repeatN(*reps, "http_hello_64conn", "req/s", true, func() float64 {
		said, err := exec.Command(wrk, "-t1", "-c64", "-d3s", "http://"+l.Addr().String()+"/").Output()
		check(err == nil, "wrk ends well")
		check(!strings.Contains(string(said), "errors"), "no request failed")
		_, after, found := strings.Cut(string(said), "Requests/sec:")
		check(found, "wrk has a result")
		rate, err := strconv.ParseFloat(strings.Fields(after)[0], 64)
		check(err == nil, "wrk has a result")
		return rate
	})
}

// -------------------------------------------------------------- idle connections

// The clients are this program again, so that the memory of their connections is not counted.
func benchIdle() {
	if to := os.Getenv("GO_BENCH_CONNECT"); to != "" {
		raiseDescriptorLimit()
		n, _ := strconv.Atoi(os.Getenv("GO_BENCH_COUNT"))
		conns := make([]net.Conn, n)
		for i := range conns {
			c, err := net.Dial("tcp", to)
			check(err == nil, "dial")
			conns[i] = c
		}
		io.Copy(io.Discard, os.Stdin) // until its end
		return
	}
	count := raiseDescriptorLimit() - 200
	if count > 10_000 {
		count = 10_000
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err == nil, "listen")
	ctx, cancel := context.WithCancel(context.Background())
	var reading, cancelled atomic.Int64
	var ended sync.WaitGroup
	before := rss()
	clients := exec.Command(os.Args[0], "-bench", "idle")
	clients.Env = append(os.Environ(), "GO_BENCH_CONNECT="+l.Addr().String(), fmt.Sprint("GO_BENCH_COUNT=", count))
	stdin, err := clients.StdinPipe()
	check(err == nil && clients.Start() == nil, "the clients start")
	for i := 0; i < count; i++ {
		c, err := l.Accept()
		check(err == nil, "accept")
		goIn(&ended, func() {
			defer c.Close()
			stop := context.AfterFunc(ctx, func() { c.SetReadDeadline(longAgo) })
			defer stop()
			reading.Add(1)
			var b [64]byte
			if _, err := c.Read(b[:]); os.IsTimeout(err) {
				cancelled.Add(1)
			}
		})
	}
	for reading.Load() < int64(count) {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(300 * time.Millisecond)
	emit("mem_per_idle_conn", float64(rss()-before)/float64(count), "bytes")
	t := time.Now()
	cancel()
	ended.Wait()
	emit("mem_per_idle_conn_cancel_close", float64(time.Since(t).Nanoseconds())/1e3/float64(count), "us/conn")
	check(cancelled.Load() == int64(count), "every read was cancelled")
	stdin.Close()
	check(clients.Wait() == nil, "the clients connected")
}
